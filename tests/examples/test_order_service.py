# The order service answers as it should, refuses what it should, and ends cleanly; so does its load.
import glob
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import tempfile
import time
import unittest

EXAMPLES = os.path.join(os.environ["TACHO_BINARY_DIR"], "examples")
SERVICE = os.path.join(EXAMPLES, "order_service", "order_service")
LOAD = os.path.join(EXAMPLES, "load", "load")
ORDER = {"customer": "c0001", "symbol": "ACME", "side": "buy", "quantity": 10, "price": 99.5}


class Service:
    """A running order service: in a `with` block, ended at its end."""

    def __init__(self, *options, signal_number=signal.SIGTERM, environment=None):
        self.signal_number = signal_number
        self.process = subprocess.Popen(
            [SERVICE, "--port", "0", "--history", "400", *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})})
        self.url = self.process.stdout.readline().strip().rpartition(" ")[2]
        self.port = int(self.url.rpartition(":")[2])
        self.output = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(self.signal_number)
        self.output, self.errors = self.process.communicate(timeout=30)

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request(method, path, body if isinstance(body, (bytes, type(None)))
                           else json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return answer.status, text

    def get(self, path):
        return self.ask("GET", path)

    def order(self, **changes):
        return self.ask("POST", "/orders", {**ORDER, **changes})

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def run(*words):
    return subprocess.run(words, capture_output=True, text=True, timeout=60)


def load(service, *options):
    return run(LOAD, "--connections", "4", *options, service.url)


class Orders(unittest.TestCase):
    def test_an_order_is_stored_matched_and_found_again(self):
        with Service() as service:
            status, text = service.order(quantity=10, price=99.5)
            self.assertEqual(status, 201)
            first = json.loads(text)["id"]
            status, text = service.order(side="sell", quantity=4, price=99.0)
            self.assertEqual((status, json.loads(text)["filled"]), (201, 4))
            status, text = service.get(f"/orders/{first}")
            found = json.loads(text)
            self.assertEqual((found["filled"], found["price"], found["customer"]), (4, 99.5, "c0001"))

    def test_better_prices_trade_first_and_older_orders_before_newer_ones(self):
        with Service() as service:
            ids = [json.loads(service.order(side="sell", quantity=5, price=price)[1])["id"]
                   for price in (101, 100, 100)]
            service.order(quantity=7, price=100.5)
            filled = [json.loads(service.get(f"/orders/{i}")[1])["filled"] for i in ids]
            self.assertEqual(filled, [0, 5, 2])

    def test_wrong_orders_are_refused_with_a_reason(self):
        wrong = {"customer": "no blanks", "symbol": "NONE", "side": "give", "quantity": 0, "price": -1}
        with Service() as service:
            for key, value in wrong.items():
                status, text = service.order(**{key: value})
                self.assertEqual((status, key in text), (400, True), text)
            self.assertEqual(service.ask("POST", "/orders", b"{")[0], 400)
            self.assertEqual(service.ask("POST", "/orders", b"[1]")[0], 400)
            self.assertEqual(service.ask("POST", "/orders", b"x" * 5000)[0], 413)

    def test_a_customer_with_too_much_at_risk_is_refused(self):
        with Service() as service:
            answers = [service.order(quantity=10000, price=100)[0] for _ in range(4)]
            self.assertIn(422, answers)
            self.assertIn("orders_rejected_total", service.get("/metrics")[1])

    def test_what_does_not_fit_the_queue_is_refused_and_the_rest_answered(self):
        with Service("--workers", "1", "--queue", "1", "--faults", "hotspot,slow-query") as service:
            done = run(LOAD, "--connections", "32", "--requests", "600", service.url)
        answered, refused = map(int, re.search(r"2xx (\d+), .*5xx (\d+)", done.stdout).groups())
        self.assertEqual((done.returncode, answered > 0, refused > 0), (0, True, True), done.stdout)
        self.assertIn(f"refused {refused},", service.output)

    def test_questions_are_answered(self):
        with Service() as service:
            status, text = service.get("/orders?customer=c0007")
            orders = json.loads(text)
            self.assertEqual((status, orders["count"], len(orders["newest"])), (200, 2, 2))
            self.assertEqual(service.get("/orders?customer=nobody")[0], 404)
            self.assertEqual(service.get("/orders?customer=%22")[0], 400)
            self.assertEqual(service.get("/orders/123456")[0], 404)
            self.assertEqual(service.get("/orders/one")[0], 400)
            self.assertEqual(service.get("/quote/ACME")[0], 200)
            self.assertEqual(service.get("/quote/NONE")[0], 404)
            self.assertEqual(service.get("/nothing")[0], 404)
            self.assertEqual(service.get("/healthz"), (200, "ok\n"))


class Faults(unittest.TestCase):
    def test_the_index_is_missing_only_with_its_fault(self):
        for faults, expected in (("none", 1), ("slow-query", 0)):
            with tempfile.TemporaryDirectory() as folder:
                path = os.path.join(folder, "orders.db")
                with Service("--db", path, "--faults", faults):
                    pass
                found = run("sqlite3", path,
                            "SELECT count(*) FROM sqlite_master WHERE name = 'orders_by_customer'")
                self.assertEqual(found.stdout.strip(), str(expected))

    def test_memory_grows_only_with_the_leak(self):
        grown = {}
        for faults in ("none", "leak"):
            with Service("--faults", faults) as service:
                load(service, "--requests", "2000")
                before = service.resident_bytes()
                load(service, "--requests", "6000")
                grown[faults] = service.resident_bytes() - before
        self.assertGreater(grown["leak"], 6000 * 0.35 * 4096)
        self.assertLess(grown["none"], grown["leak"] / 4)

    def test_faults_that_are_not_known_are_refused(self):
        done = run(SERVICE, "--faults", "hotspot,typo")
        self.assertEqual(done.returncode, 2)
        self.assertIn("slow-query", done.stderr)


class Life(unittest.TestCase):
    def test_it_ends_cleanly_by_signal_with_its_totals_and_leaves_nothing(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with tempfile.TemporaryDirectory() as folder:
                with Service(signal_number=number, environment={"TMPDIR": folder}) as service:
                    service.order()
                self.assertEqual((service.process.returncode, service.errors), (0, ""))
                self.assertIn("requests 1, orders accepted 1", service.output)
                self.assertEqual(glob.glob(folder + "/*"), [])

    def test_it_ends_cleanly_under_load(self):
        with Service("--workers", "2", "--queue", "4") as service:
            pressing = subprocess.Popen([LOAD, "--connections", "32", "--for", "20", service.url],
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            while not re.search(r"accepted_total [1-9].*connections 33", service.get("/metrics")[1],
                                re.S):
                self.assertIsNone(pressing.poll())
        text, _ = pressing.communicate(timeout=30)
        self.assertEqual((service.process.returncode, service.errors), (0, ""))
        self.assertIn("errors 32", text)

    def test_it_ends_by_itself_after_its_time(self):
        begin = time.monotonic()
        with Service("--for", "0.3") as service:
            service.process.wait(timeout=30)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        self.assertEqual(service.process.returncode, 0)

    def test_orders_are_there_after_a_restart(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "orders.db")
            with Service("--db", path) as service:
                number = json.loads(service.order()[1])["id"]
            with Service("--db", path) as service:
                self.assertEqual(service.get(f"/orders/{number}")[0], 200)
                self.assertEqual(json.loads(service.order()[1])["id"], number + 1)

    def test_what_cannot_work_is_said(self):
        self.assertEqual(run(SERVICE, "--port", "70000").returncode, 2)
        self.assertEqual(run(SERVICE, "--workers", "0").returncode, 2)
        self.assertEqual(run(SERVICE, "extra").returncode, 2)
        self.assertIn("usage", run(SERVICE, "--help").stdout)
        done = run(SERVICE, "--db", "/nowhere/orders.db", "--port", "0")
        self.assertEqual((done.returncode, "/nowhere/orders.db" in done.stderr), (1, True))
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            done = run(SERVICE, "--port", str(taken.getsockname()[1]))
        self.assertEqual((done.returncode, "in use" in done.stderr), (1, True), done.stderr)


class Load(unittest.TestCase):
    def test_it_sends_what_it_was_told_and_says_how_long_it_took(self):
        with Service() as service:
            done = load(service, "--requests", "500")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("requests 500 in", done.stdout)
            self.assertRegex(done.stdout, r"p50 [\d.]+ ms p90 [\d.]+ ms p99 [\d.]+ ms p99.9 n/a")
            self.assertIn("requests 500,", self.totals(service))

    def test_a_percentile_without_enough_samples_is_not_available(self):
        with Service() as service:
            done = run(LOAD, "--connections", "1", "--requests", "5", service.url + "/healthz")
            self.assertRegex(done.stdout, r"p50 [\d.]+ ms p90 n/a p99 n/a")

    def test_what_cannot_work_is_said(self):
        self.assertEqual(run(LOAD).returncode, 2)
        self.assertEqual(run(LOAD, "http://example.org:80").returncode, 2)
        self.assertEqual(run(LOAD, "--connections", "0", "http://127.0.0.1:1").returncode, 2)
        done = run(LOAD, "--requests", "1", "http://127.0.0.1:1")
        self.assertEqual((done.returncode, "cannot connect" in done.stderr), (1, True))

    def totals(self, service):
        service.__exit__()
        return service.output


if __name__ == "__main__":
    unittest.main()
