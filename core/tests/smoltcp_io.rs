//! Frames over TCP sockets of smoltcp, from one socket to another over a loop of packets.
#![cfg(feature = "smoltcp")]

use std::collections::VecDeque;

use bellwire_core::event::Event;
use bellwire_core::smoltcp_io::{TcpError, TcpStream};
use bellwire_core::topic::Topic;
use bellwire_core::wire::{ReadFrameError, WriteFrameError, read_frame, write_frame};
use embedded_io::{Read, ReadReady, Write, WriteReady};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet, SocketStorage};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp::{Socket, SocketBuffer};
use smoltcp::time::Instant;
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

/// A device that receives what it sent.
#[derive(Default)]
struct Loop(VecDeque<Vec<u8>>);

struct Received(Vec<u8>);
struct Sending<'a>(&'a mut Loop);

impl Device for Loop {
    type RxToken<'a> = Received;
    type TxToken<'a> = Sending<'a>;

    fn receive(&mut self, _: Instant) -> Option<(Received, Sending<'_>)> {
        let packet = self.0.pop_front()?;
        Some((Received(packet), Sending(self)))
    }

    fn transmit(&mut self, _: Instant) -> Option<Sending<'_>> {
        Some(Sending(self))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1500;
        capabilities
    }
}

impl RxToken for Received {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Sending<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, length: usize, write: F) -> R {
        let mut packet = vec![0; length];
        let written = write(&mut packet);
        self.0.0.push_back(packet);
        written
    }
}

/// One interface with two sockets that talk to each other.
struct Net<'a> {
    device: Loop,
    interface: Interface,
    sockets: SocketSet<'a>,
    now_ms: i64,
}

impl<'a> Net<'a> {
    /// The net, the socket that connected and the one that listened.
    fn connected(
        storage: &'a mut [SocketStorage<'a>],
        buffers: &'a mut [[u8; 128]; 4],
    ) -> (Self, [SocketHandle; 2]) {
        let mut device = Loop::default();
        let mut interface = Interface::new(Config::new(HardwareAddress::Ip), &mut device, Instant::ZERO);
        let address = IpAddress::v4(127, 0, 0, 1);
        interface.update_ip_addrs(|addresses| addresses.push(IpCidr::new(address, 8)).unwrap());
        let [a, b, c, d] = buffers.each_mut().map(|buffer| SocketBuffer::new(&mut buffer[..]));
        let (mut client, mut server) = (Socket::new(a, b), Socket::new(c, d));
        server.listen(80).unwrap();
        client.connect(interface.context(), (address, 80), 49_152).unwrap();
        let mut sockets = SocketSet::new(storage);
        let handles = [sockets.add(client), sockets.add(server)];
        let mut net = Self { device, interface, sockets, now_ms: 0 };
        net.settle();
        (net, handles)
    }

    fn settle(&mut self) {
        for _ in 0..20 {
            self.now_ms += 50;
            self.interface.poll(Instant::from_millis(self.now_ms), &mut self.device, &mut self.sockets);
        }
    }

    fn stream(&mut self, handle: SocketHandle) -> TcpStream<'_, 'a> {
        TcpStream::new(self.sockets.get_mut(handle))
    }
}

fn event() -> Event<'static> {
    Event::new(300, Topic::parse("Entry.publish").unwrap(), 1_603_379_941_037, &[7; 60])
}

#[test]
fn frames_are_written_whole_or_not_at_all() {
    let (mut storage, mut buffers) = ([SocketStorage::EMPTY; 2], [[0; 128]; 4]);
    let (mut net, [client, server]) = Net::connected(&mut storage, &mut buffers);
    let (mut scratch, mut buffer) = ([0; 256], [0; 128]);
    assert!(net.stream(client).write_ready().unwrap());
    assert!(!net.stream(server).read_ready().unwrap());
    let nothing = read_frame(&mut net.stream(server), &mut buffer);
    assert_eq!(nothing, Err(ReadFrameError::Io(TcpError::NotReady)));

    write_frame(&event(), &mut scratch, &mut net.stream(client)).unwrap();
    let room = net.stream(client).room();
    let second = write_frame(&event(), &mut scratch, &mut net.stream(client));
    assert_eq!(second, Err(WriteFrameError::Io(TcpError::NotReady)));
    assert_eq!(net.stream(client).room(), room);

    for _ in 0..2 {
        net.settle();
        assert_eq!(read_frame(&mut net.stream(server), &mut buffer), Ok(Some(event())));
        write_frame(&event(), &mut scratch, &mut net.stream(client)).unwrap();
        net.stream(client).flush().unwrap();
    }
}

#[test]
fn a_closed_connection_ends_the_stream() {
    let (mut storage, mut buffers) = ([SocketStorage::EMPTY; 2], [[0; 128]; 4]);
    let (mut net, [client, server]) = Net::connected(&mut storage, &mut buffers);
    net.sockets.get_mut::<Socket<'_>>(client).close();
    net.settle();
    assert_eq!(read_frame(&mut net.stream(server), &mut [0; 128]), Ok(None));
    assert_eq!(net.stream(server).read(&mut []), Ok(0));
    assert!(net.stream(server).read_ready().unwrap());
    assert_eq!(net.stream(client).write(b"x"), Err(TcpError::Closed));
    assert_eq!(net.stream(client).write_ready(), Err(TcpError::Closed));
}
