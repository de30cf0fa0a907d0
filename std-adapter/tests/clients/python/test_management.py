"""The management calls that contentful_management offers for webhooks, and what it makes of errors."""

import unittest

from contentful_management import errors
from contentful_management.webhook_call import WebhookCall

from support import Receiver, Space, eventually, required, unused_url

ENTRY = {"sys": {"type": "Entry", "id": "hello"}}


def hook(**changes):
    return {"name": "hook", "url": "https://www.example.com/hook", "topics": ["Entry.publish"], **changes}


class Webhooks(unittest.TestCase):
    def setUp(self):
        self.space = Space(required("BELLWIRE_URL"))
        self.webhooks = self.space.client.webhooks(self.space.id)

    def test_begins_with_the_space(self):
        space = self.space.client.spaces().find(self.space.id)
        self.assertEqual(repr(space), f"<Space[Python] id='{self.space.id}'>")
        created = space.webhooks().create(hook())
        self.assertEqual(created.space.id, self.space.id)
        self.assertEqual(created.space.resolve().name, "Python")
        environment = space.environments().find("master")
        self.assertEqual(repr(environment), "<Environment[master] id='master'>")

    def test_creates_a_webhook_with_an_id_of_the_server(self):
        webhook = self.webhooks.create(hook())
        self.assertRegex(webhook.id, "^[0-9A-Za-z]{22}$")
        self.assertEqual(repr(webhook), f"<Webhook[hook] id='{webhook.id}'>")
        self.assertEqual((webhook.sys["version"], webhook.sys["type"]), (0, "WebhookDefinition"))
        self.assertEqual((webhook.topics, webhook.headers, webhook.filters), (["Entry.publish"], [], None))

    def test_creates_a_webhook_with_a_chosen_id(self):
        # `webhooks.create` knows no id; the client's way to any path does.
        webhook = self.space.client._put(f"spaces/{self.space.id}/webhook_definitions/my-own_id.1", hook())
        self.assertEqual(webhook.id, "my-own_id.1")
        self.assertEqual(self.webhooks.find("my-own_id.1").name, "hook")

    def test_lists_webhooks_page_by_page(self):
        made = [self.webhooks.create(hook(name=name)).id for name in "abc"]
        whole = self.webhooks.all()
        self.assertEqual(repr(whole), "<Array size='3' total='3' limit='100' skip='0'>")
        self.assertEqual([webhook.id for webhook in whole], made)
        page = self.webhooks.all({"skip": 1, "limit": 1, "order": "-sys.createdAt"})
        self.assertEqual(repr(page), "<Array size='1' total='3' limit='1' skip='1'>")
        self.assertEqual(page[0].name, "b")

    def test_updates_and_keeps_what_no_answer_shows(self):
        transformation = {"method": "PUT", "body": {"id": "{ /payload/sys/id }"}}
        filters = [{"equals": [{"doc": "sys.environment.sys.id"}, "master"]}]
        secret = {"key": "X-Key", "value": "hush", "secret": True}
        login = {"httpBasicUsername": "user", "httpBasicPassword": "password"}
        made = self.webhooks.create(
            hook(filters=filters, transformation=transformation, headers=[secret], **login)
        )
        webhook = self.webhooks.find(made.id).update({"name": "renamed"})
        self.assertEqual((webhook.name, webhook.sys["version"]), ("renamed", 1))
        webhook.url = "https://www.example.com/other"
        webhook.save()
        again = self.webhooks.find(made.id)
        self.assertEqual((again.url, again.sys["version"]), ("https://www.example.com/other", 2))
        self.assertEqual((again.filters, again.transformation), (filters, transformation))
        self.assertEqual((again.headers, again.http_basic_username), ([{"key": "X-Key", "secret": True}], "user"))

    def test_an_update_enables_a_disabled_webhook(self):
        # The client does not know `active`, and what an update leaves out goes back to its default.
        webhook = self.webhooks.create(hook(active=False))
        self.assertIs(webhook.raw["active"], False)
        webhook.save()
        self.assertIs(self.webhooks.find(webhook.id).raw["active"], True)

    def test_reloads_and_deletes(self):
        webhook = self.webhooks.create(hook())
        self.webhooks.find(webhook.id).update({"name": "renamed"})
        self.assertEqual(webhook.reload().name, "renamed")
        webhook.delete()
        with self.assertRaises(errors.NotFoundError):
            webhook.reload()
        other = self.webhooks.create(hook())
        self.webhooks.delete(other.id)
        self.assertEqual(len(self.webhooks.all()), 0)


class Calls(unittest.TestCase):
    def setUp(self):
        self.space = Space(required("BELLWIRE_URL"))
        self.receiver = Receiver()
        self.addCleanup(self.receiver.stop)

    def called(self, url):
        """A webhook that was called once, and the call as the list shows it."""
        webhook = self.space.client.webhooks(self.space.id).create(hook(url=url))
        self.space.publish("Entry.publish", ENTRY)
        calls = eventually(lambda: webhook.calls().all())
        return webhook, calls[0]

    def test_a_call_is_listed_and_shown(self):
        webhook, listed = self.called(self.receiver.url + "/in")
        call = webhook.calls().find(listed.id)
        self.assertIsInstance(call, WebhookCall)
        self.assertEqual((call.status_code, call.event_type, call.errors), (200, "publish", []))
        self.assertEqual(call.request["headers"]["X-Contentful-Topic"], "ContentManagement.Entry.publish")
        self.assertEqual((call.request["method"], call.response["body"]), ("POST", "received"))
        self.assertLessEqual(call.request_at, call.response_at)
        for shown in (listed, call):
            self.assertIn(f"<WebhookCall[200] id='{listed.id}' url='{self.receiver.url}/in' ", repr(shown))
        pages = self.space.client.webhook_calls(self.space.id, webhook.id).all({"limit": 1, "skip": 1})
        self.assertEqual(repr(pages), "<Array size='0' total='1' limit='1' skip='1'>")

    def test_health_counts_what_went_well(self):
        webhook, _ = self.called(self.receiver.url)
        health = webhook.health().find()
        self.assertEqual(repr(health), f"<WebhookHealth[{webhook.id}] total=1 healthy=1>")
        broken, call = self.called(self.receiver.url + "/broken")
        self.assertEqual((call.status_code, call.errors), (404, ["ClientError"]))
        health = self.space.client.webhook_health(self.space.id, broken.id).find()
        self.assertEqual((health.webhook_id, health.total, health.healthy), (broken.id, 1, 0))

    def test_a_call_without_an_answer_has_an_error(self):
        webhook, listed = self.called(unused_url())
        call = webhook.calls().find(listed.id)
        self.assertEqual(call.errors, ["ConnectionError"])
        self.assertEqual((call.raw["statusCode"], call.raw["responseAt"], call.response), (None, None, None))


class Errors(unittest.TestCase):
    def setUp(self):
        self.space = Space(required("BELLWIRE_URL"))
        self.webhooks = self.space.client.webhooks(self.space.id)

    def fails(self, kind, action, *words):
        """Passes when the client raises this kind of error, with these words and a request id in its message."""
        with self.assertRaises(kind) as raised:
            action()
        for word in (*words, "Request ID: "):
            self.assertIn(word, str(raised.exception))

    def test_bad_paging_values(self):
        said = 'The value provided for "limit" is invalid'
        self.fails(errors.BadRequestError, lambda: self.webhooks.all({"limit": "many"}), said)

    def test_an_unknown_token(self):
        stranger = self.space.open("unknown").webhooks(self.space.id)
        self.fails(errors.UnauthorizedError, stranger.all, "could not be found or is invalid")

    def test_a_role_that_does_not_suffice(self):
        reader = self.space.open(self.space.make_token("read")).webhooks(self.space.id)
        self.assertEqual(len(reader.all()), 0)
        self.fails(errors.AccessDeniedError, lambda: reader.create(hook()), "Reasons", "role read")

    def test_what_is_not_there(self):
        said = "The requested WebhookDefinition could not be found. ID: none."
        self.fails(errors.NotFoundError, lambda: self.webhooks.find("none"), said)
        webhook = self.webhooks.create(hook())
        said = "The requested WebhookCallDetails could not be found. ID: none."
        self.fails(errors.NotFoundError, lambda: webhook.calls().find("none"), said)
        nowhere = self.space.client.webhooks("none")
        self.fails(errors.NotFoundError, nowhere.all, "The requested Space could not be found.")

    def test_an_old_version(self):
        first = self.webhooks.create(hook())
        self.webhooks.find(first.id).update({"name": "second"})
        self.fails(errors.VersionMismatchError, first.save, "X-Contentful-Version")

    def test_definitions_that_are_not_acceptable(self):
        bad = hook(topics=[], url="ftp://example.com/")
        said = ("Name: topics - Path: ''", "Name: invalid - Path: 'url' - Value: 'ftp://example.com/'")
        self.fails(errors.UnprocessableEntityError, lambda: self.webhooks.create(bad), *said)


class RateLimits(unittest.TestCase):
    def setUp(self):
        self.space = Space(required("BELLWIRE_LIMITED_URL"))

    def exhaust(self, webhooks):
        """Asks until the server refuses."""
        for _ in range(1_000):
            webhooks.all()

    def test_the_client_is_told_how_long_to_wait(self):
        client = self.space.open(self.space.token, max_rate_limit_retries=0)
        with self.assertRaises(errors.RateLimitExceededError) as raised:
            self.exhaust(client.webhooks(self.space.id))
        self.assertEqual(raised.exception.reset_time(), 1)

    def test_the_client_waits_and_succeeds(self):
        client = self.space.open(self.space.token, max_rate_limit_retries=0)
        with self.assertRaises(errors.RateLimitExceededError):
            self.exhaust(client.webhooks(self.space.id))
        # This one may find the second over or not: it waits where it must.
        self.assertEqual(len(self.space.client.webhooks(self.space.id).all()), 0)


if __name__ == "__main__":
    unittest.main()
