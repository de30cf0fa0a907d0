//! One life of the node: from its start to its end, in order or not.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwire::app::definitions;
use bellwire::config::Settings;
use bellwire::node::{Node, Ports};
use bellwire::random::Dice;
use bellwire::secret::Secret;
use bellwire::store::{Range, Table};
use bellwire::webhooks::Expected;
use tokio::runtime::Builder;

use crate::acts::Act;
use crate::disk::{Crash, SimStore, Trouble};
use crate::ledger::Hook;
use crate::ledger::LOOK_EVERY_MS;
use crate::network::SimTransport;
use crate::world::{Life, World};

pub(crate) const SPACE: &str = "sim";
pub(crate) const TOKEN: &str = "the-token-of-the-simulation";

/// Longer than a node takes to stop.
const DRAIN_MS: u64 = 60_000;
/// Acts of the first moments of a life, when what was owed before is being looked for.
const FIRST_MS: u64 = 30;
/// Within this time a node may be stopped that has only just come up.
const STOPPED_SOON_MS: u64 = 200;
/// Waited before a node that did not start is started again.
const START_AGAIN: Duration = Duration::from_secs(5);
/// Everything owed is delivered within this time once nothing is wrong: the longest `Retry-After`, the longest pause
/// and the longest wait of the policy, one after the other and with room.
const CALM: Duration = Duration::from_secs(3 * 60 * 60);

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It was stopped, and another follows.
    Stopped,
    /// It crashed, and another follows.
    Crashed(Crash),
    /// The history is over.
    Over,
}

/// Lives one life, with as many acts as are left.
pub(crate) fn live(world: &Arc<World>, acts_left: &mut u32) -> End {
    let runtime = Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime");
    let end = runtime.block_on(async {
        world.clock.start();
        world.ledger().life_begins();
        let end = run(world, acts_left).await;
        world.clock.stop();
        end
    });
    drop(runtime);
    let trouble = !world.ledger().is_disk_well_for(DRAIN_MS);
    let crash = match end {
        End::Crashed(crash) => Some(crash),
        // What waits for a disk that is full when the node stops is given up.
        _ => trouble.then_some(Crash::Process),
    };
    world.ledger().life_ends(crash);
    let lost = world.disk.reopen(crash);
    world.ledger().read_log(&world.disk, &lost);
    end
}

async fn run(world: &Arc<World>, acts_left: &mut u32) -> End {
    let crashed = End::Crashed(world.chance.pick(&[Crash::Process, Crash::Power]));
    let Some((node, life)) = start(world).await else {
        tokio::time::sleep(START_AGAIN).await;
        world.set_trouble(Trouble::None);
        return crashed;
    };
    tokio::spawn(life.clone().watch_log());
    tokio::spawn(life.clone().look_round());
    let end = tokio::select! {
        biased;
        () = world.disk.crashed.notified() => return crashed,
        _ = node.failed() => {
            // Whoever runs it ends it then.
            tokio::time::sleep(Duration::from_millis(world.chance.below(2_000))).await;
            return crashed;
        }
        end = life.clone().happen(acts_left) => end,
    };
    if let End::Crashed(_) = end {
        return end;
    }
    tokio::select! {
        biased;
        () = world.disk.crashed.notified() => crashed,
        () = node.stop() => end,
    }
}

/// Starts the node, with its space and the webhook that is always there.
async fn start(world: &Arc<World>) -> Option<(Node, Life)> {
    let settings = Settings {
        listen: ([127, 0, 0, 1], 0).into(),
        retry_delay: Duration::from_millis(world.rules.retry_delay_ms),
        retry_connection_errors: world.rules.retry_connection_errors,
        endpoint_concurrency: world.rules.lane_places,
        concurrency: world.rules.places,
        event_retention: Duration::from_millis(world.rules.retention_ms),
        admin_token: Some(Secret::new(TOKEN)),
        ..Settings::default()
    };
    let ports = Ports {
        clock: world.clock.clone(),
        dice: Arc::new(Dice::seeded(world.chance.below(u64::MAX))),
        transport: Arc::new(SimTransport(world.clone())),
    };
    let node = Node::start_between(settings, SimStore(world.disk.clone()), ports).await.ok()?;
    node.ensure_space(SPACE).await.ok()?;
    let life = Life { world: world.clone(), app: node.app().clone() };
    life.settle_in().await?;
    (!world.disk.is_crashed()).then_some((node, life))
}

impl Life {
    async fn settle_in(&self) -> Option<()> {
        let space = self.app.registry.space(SPACE)?;
        if space.live().webhook("w0").is_none() {
            let hook = Hook::new("w0".to_owned(), 0, "*.*", false, 0);
            let caller = bellwire::app::Caller(self.app.tokens.authenticate(TOKEN)?);
            let body = hook.definition(0);
            self.world.ledger().hooks.insert(0, hook);
            let (id, expected) = ("w0".to_owned(), Expected::Unsaid);
            definitions::put(&self.app, &caller, &space, id, expected, &body).await.ok()?;
        }
        let mut ledger = self.world.ledger();
        ledger.space_uid = space.uid;
        ledger.reconcile(&space);
        drop(ledger);
        let trouble = self.world.disk.trouble();
        if trouble != Trouble::None {
            self.trouble(trouble);
        }
        Some(())
    }

    /// Compares the log with the network, call by call.
    async fn watch_log(self) {
        let mut ended = self.app.calls.watch();
        while let Ok(call) = ended.recv().await {
            self.world.ledger().logged(&self.world.disk, call.webhook_uid, call.id);
        }
    }

    /// Looks now and then whether something is stuck.
    async fn look_round(self) {
        loop {
            tokio::time::sleep(Duration::from_millis(LOOK_EVERY_MS)).await;
            let Some(space) = self.app.registry.space(SPACE) else { continue };
            if self.app.stopping.load(Ordering::SeqCst) {
                return;
            }
            let mut ledger = self.world.ledger();
            ledger.check_switched_off(&space);
            ledger.check_overdue(&self.world.disk, &self.app.deliveries);
        }
    }

    /// One thing after the other, until none is left or this life ends by one.
    async fn happen(self, acts_left: &mut u32) -> End {
        if let Some(end) = self.first_moments().await {
            return end;
        }
        while *acts_left > 0 && !self.world.ledger().is_broken() {
            let gap_ms = self.world.chance.span_ms(1, self.world.rules.gap_ms_max);
            tokio::time::sleep(Duration::from_millis(gap_ms)).await;
            *acts_left -= 1;
            match self.next_act() {
                Act::CrashNow(crash) => return End::Crashed(crash),
                Act::Reboot => {
                    self.begin(Act::Jump);
                    return End::Crashed(Crash::Power);
                }
                Act::Stop => return End::Stopped,
                act => self.begin(act),
            }
        }
        self.calm_down().await;
        End::Over
    }

    /// Some publish at once, and some are stopped at once.
    async fn first_moments(&self) -> Option<End> {
        let chance = &self.world.chance;
        let is_first = self.world.ledger().is_first_life();
        if is_first {
            (0..4).for_each(|_| self.begin(Act::Put));
        } else if chance.percent(40) {
            tokio::time::sleep(Duration::from_millis(chance.below(FIRST_MS))).await;
            self.begin(Act::PublishAtOnce);
        } else if chance.percent(20) {
            tokio::time::sleep(Duration::from_millis(chance.below(STOPPED_SOON_MS))).await;
            return Some(End::Stopped);
        }
        None
    }

    /// Nothing is wrong any more: everything that is owed is delivered.
    async fn calm_down(&self) {
        self.world.ledger().tell("calm", "");
        self.world.network.heal();
        self.world.disk.crash_never();
        if self.world.chance.percent(60) {
            self.begin(Act::Jump);
        }
        let end = tokio::time::Instant::now() + CALM;
        loop {
            tokio::time::sleep(Duration::from_secs(60)).await;
            self.world.set_trouble(Trouble::None);
            let owed = self.world.disk.rows(Table::Owed, &Range::all()).len();
            let is_quiet = owed == 0 && self.app.deliveries.in_flight() == 0;
            if is_quiet || self.world.ledger().is_broken() {
                return;
            }
            if tokio::time::Instant::now() > end {
                let how = format!("{owed} are still owed");
                return self
                    .world
                    .ledger()
                    .broken("everything owed is delivered once nothing is wrong", &how);
            }
        }
    }
}
