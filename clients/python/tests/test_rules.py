"""Rules: made, read, listed, replaced and deleted."""

import unittest

from grud import Client, GrudError

from .daemon import Daemon

RULE = {"prefix": "web-", "coverage": True, "below": 0.8, "url": "https://example.org/hooks"}


class Rules(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = Daemon()
        cls.client = Client(cls.daemon.url)
        cls.daemon.add_model(cls.client, "m", "--inputs", "a", "--outputs", "a", "--layers", "6")

    @classmethod
    def tearDownClass(cls):
        cls.client.close()
        cls.daemon.stop()

    def test_a_rule_lives_until_it_is_deleted(self):
        rules = self.client.rules
        self.assertEqual(rules.list("m"), [])
        self.assertEqual(rules.put("m", "off", RULE)["firing"], [])
        self.assertEqual(rules.put("m", "off", {**RULE, "for": 3})["for"], 3)
        self.assertEqual([rule["name"] for rule in rules.list("m")], ["off"])
        self.assertEqual(rules.get("m", "off", limit=5)["states"], {"firing": 0, "pending": 0})
        rules.delete("m", "off")
        with self.assertRaises(GrudError) as raised:
            rules.get("m", "off")
        self.assertEqual(raised.exception.code, "rule_not_found")

    def test_what_is_no_rule_names_the_field(self):
        with self.assertRaises(GrudError) as raised:
            self.client.rules.put("m", "off", {**RULE, "url": "http://127.0.0.1/"})
        self.assertEqual(raised.exception.param, "url")


if __name__ == "__main__":
    unittest.main()
