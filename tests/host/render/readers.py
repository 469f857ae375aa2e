#!/usr/bin/python3
# Opens the exported files with what reads them: protoc for pprof and Perfetto, graphviz for dot, a JSON
# schema for speedscope, structural checks of the trace formats after their public descriptions.
# Usage: readers.py RENDER_PROBE CASE; exit status 77 means the reader is not installed.
import collections
import csv
import gzip
import io
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as xml

HERE = pathlib.Path(__file__).resolve().parent
PROBE = sys.argv[1]


def skip(why):
    print("skipped:", why)
    sys.exit(77)


def render(*arguments):
    return subprocess.run([PROBE, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=True).stdout


def need(program):
    if not shutil.which(program):
        skip(f"{program} is not installed")


def decode(proto, message, data):
    """The message as a python object, by a module that protoc makes from our own .proto."""
    need("protoc")
    try:
        import google.protobuf  # noqa: F401
    except ImportError:
        skip("python3-protobuf is not installed")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["protoc", f"-I{HERE}", f"--python_out={folder}", str(HERE / proto)],
                       check=True)
        sys.path.insert(0, folder)
        module = __import__(proto.replace(".proto", "_pb2"))
    result = getattr(module, message)()
    result.ParseFromString(data)
    return result


def case_pprof():
    profile = decode("profile.proto", "Profile", gzip.decompress(render("pprof", "small")))
    text = profile.string_table
    assert text[0] == ""
    assert [(text[t.type], text[t.unit]) for t in profile.sample_type] == [
        ("samples", "count"), ("cpu", "nanoseconds")]
    functions = {f.id: text[f.name] for f in profile.function}
    locations = {l.id: l for l in profile.location}
    mappings = {m.id: text[m.filename] for m in profile.mapping}
    self_ns = collections.Counter()
    for sample in profile.sample:
        assert len(sample.value) == 2
        # The innermost line of the first location is the function that ran.
        self_ns[functions[locations[sample.location_id[0]].line[0].function_id]] += sample.value[1]
        for location in sample.location_id:
            assert locations[location].mapping_id in mappings
        labels = {text[l.key]: text[l.str] or l.num for l in sample.label}
        assert labels["pid"] in (100, 102) and labels["thread"]
    assert self_ns == {"parse": 400000000, "copy": 200000000, "serve": 250000000,
                       "ksys_read": 100000000, "format;line": 50000000}, self_ns
    inlined = [l for l in profile.location if len(l.line) == 2]
    assert [functions[line.function_id] for line in inlined[0].line] == ["copy", "parse"]
    assert sum(s.value[0] for s in profile.sample) == 100
    # A large one is whole too.
    large = decode("profile.proto", "Profile", gzip.decompress(render("pprof", "samples:50000")))
    assert sum(s.value[0] for s in large.sample) == 50000


def case_perfetto():
    trace = decode("perfetto_trace.proto", "Trace", render("perfetto", "small"))
    names, stacks, frames, functions = {}, {}, {}, {}
    tracks, depth, slices, counters = {}, collections.Counter(), collections.Counter(), 0
    last, samples, instants = {}, collections.Counter(), []
    for packet in trace.packet:
        assert packet.trusted_packet_sequence_id == 1
        data = packet.interned_data
        names.update({n.iid: n.name for n in data.event_names})
        functions.update({n.iid: n.str.decode() for n in data.function_names})
        frames.update({f.iid: functions[f.function_name_id] for f in data.frames})
        for mapping in data.mappings:
            assert mapping.path_string_ids
        stacks.update({c.iid: [frames[f] for f in c.frame_ids] for c in data.callstacks})
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            assert track.uuid not in tracks
            assert not track.parent_uuid or track.parent_uuid in tracks
            tracks[track.uuid] = track
        if packet.HasField("track_event"):
            event = packet.track_event
            assert event.track_uuid in tracks
            if event.type in (1, 2):
                assert last.get(event.track_uuid, 0) <= packet.timestamp, "not in order"
                last[event.track_uuid] = packet.timestamp
                depth[event.track_uuid] += 1 if event.type == 1 else -1
                assert depth[event.track_uuid] >= 0
                if event.type == 1:
                    slices[names[event.name_iid], depth[event.track_uuid]] += 1
            elif event.type == 4:
                counters += 1
                assert tracks[event.track_uuid].HasField("counter")
            elif event.type == 3:
                instants.append(event.name)
        if packet.HasField("perf_sample"):
            stack = stacks[packet.perf_sample.callstack_iid]
            samples[stack[-1]] += 1
            assert stack[0] == "_start" and packet.perf_sample.pid in (100, 102)
    assert not any(depth.values()), "slices are left open"
    assert slices == {('serve "all"', 1): 5, ("parse", 2): 5}, slices
    assert samples == {"parse": 40, "copy": 20, "serve": 25, "ksys_read": 10, "format;line": 5}
    assert instants == ["reload", "reload"] and counters > 400
    kinds = collections.Counter(
        "process" if t.HasField("process") else "thread" if t.HasField("thread")
        else "counter" if t.HasField("counter") else "group" for t in tracks.values())
    assert kinds == {"process": 2, "thread": 3, "counter": 16, "group": 1}, kinds


def check_chrome(text):
    trace = json.loads(text)
    events = trace["traceEvents"]
    for event in events:
        assert event["ph"] in "MXCi" and isinstance(event["pid"], int)
        assert isinstance(event["tid"], int) and event["name"]
        if event["ph"] != "M":
            assert isinstance(event["ts"], (int, float))
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "C":
            assert isinstance(event["args"]["value"], (int, float))
    return trace, collections.Counter(e["ph"] for e in events), events


def case_chrome():
    trace, kinds, events = check_chrome(render("chrome", "small"))
    assert kinds["X"] == 10 and kinds["i"] == 2 and kinds["C"] > 400
    span = next(e for e in events if e["ph"] == "X" and e["name"] == 'serve "all"')
    assert (span["ts"], span["dur"], span["pid"], span["tid"]) == (10000, 10000, 100, 100)
    assert any(e["ph"] == "M" and e["args"]["name"] == "worker" for e in events)
    assert trace["otherData"]["note"] == ""


def case_window():
    """A trace that is too large is cut by time or trigger, and says so."""
    trace, kinds, _ = check_chrome(render("chrome", "spans:100000", "events_max=5000"))
    assert 1000 < kinds["X"] <= 5200, kinds
    assert "of 100000 events" in trace["otherData"]["note"]
    trace, kinds, events = check_chrome(
        render("chrome", "small", 'around=serve "all"', "margin_ns=1000000"))
    spans = [e for e in events if e["ph"] == "X"]
    # The slowest one runs from 70 to 89 ms; nothing else is within a millisecond of it.
    assert {e["ts"] for e in spans} == {70000}, spans
    assert "only the time from" in trace["otherData"]["note"]
    trace, kinds, events = check_chrome(render("chrome", "small", "around=reload", "margin_ns=5000000"))
    assert kinds["i"] == 1 and all(65000 <= e["ts"] < 75000 for e in events if e["ph"] in "Ci")
    bad = subprocess.run([PROBE, "chrome", "small", "around=nothing"], stderr=subprocess.PIPE)
    assert bad.returncode == 3 and b'no event and no span of a zone "nothing"' in bad.stderr


def case_speedscope():
    try:
        import jsonschema
    except ImportError:
        skip("python3-jsonschema is not installed")
    schema = json.loads((HERE / "speedscope.schema.json").read_text())
    for what in ("small", "samples:5000"):
        document = json.loads(render("speedscope", what))
        jsonschema.validate(document, schema)
        frames = document["shared"]["frames"]
        for profile in document["profiles"]:
            assert len(profile["samples"]) == len(profile["weights"])
            assert sum(profile["weights"]) == profile["endValue"] - profile["startValue"]
            assert all(0 <= f < len(frames) for stack in profile["samples"] for f in stack)
    document = json.loads(render("speedscope", "small"))
    assert len(document["profiles"]) == 3
    names = [f["name"] for f in document["shared"]["frames"]]
    stack = document["profiles"][0]["samples"][-1]
    assert [names[f] for f in stack] == ["_start", "main", "parse", "copy"]


def check_column_lengths(table, where):
    for key, column in table.items():
        if isinstance(column, list):
            assert len(column) == table["length"], f"{where}.{key}"


def case_firefox():
    profile = json.loads(render("firefox", "small"))
    meta = profile["meta"]
    assert meta["preprocessedProfileVersion"] == 48 and meta["startTime"] == 1700000000000
    for key in ("interval", "processType", "product", "stackwalk", "version", "markerSchema"):
        assert key in meta
    # The viewer wants one grey category.
    assert "grey" in [c["color"] for c in meta["categories"]]
    self_ms = collections.Counter()
    markers = 0
    for thread in profile["threads"]:
        for name in ("samples", "markers", "stackTable", "frameTable", "funcTable",
                     "resourceTable", "nativeSymbols"):
            check_column_lengths(thread[name], name)
        strings, stacks, frames = (thread[n] for n in ("stringArray", "stackTable", "frameTable"))
        assert isinstance(thread["pid"], str)
        for i, prefix in enumerate(stacks["prefix"]):
            assert prefix is None or prefix < i
            assert stacks["frame"][i] < frames["length"]
            assert stacks["category"][i] < len(meta["categories"])
        for stack, weight in zip(thread["samples"]["stack"], thread["samples"]["weight"]):
            function = frames["func"][stacks["frame"][stack]]
            self_ms[strings[thread["funcTable"]["name"][function]]] += weight
        assert thread["samples"]["time"] == sorted(thread["samples"]["time"])
        markers += thread["markers"]["length"]
        assert all(n < len(strings) for n in thread["markers"]["name"])
    assert self_ms == {"parse": 400, "copy": 200, "serve": 250, "ksys_read": 100,
                       "format;line": 50}, self_ms
    assert markers == 10
    memory = profile["counters"][0]
    check_column_lengths(memory["samples"], "counter")
    assert memory["category"] == "Memory" and sum(memory["samples"]["count"]) == 22806528


def case_graphviz():
    need("dot")
    picture = subprocess.run(["dot", "-Tsvg"], input=render("dot", "small"), check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert picture.stderr == b"", picture.stderr
    root = xml.fromstring(picture.stdout)
    texts = {t.text for t in root.iter("{http://www.w3.org/2000/svg}text")}
    assert {"parse", "copy (inlined)", "ksys_read [k]", "60.0 %"} <= texts, texts
    subprocess.run(["dot", "-Tsvg", "-o/dev/null"], input=render("dot", "samples:20000"), check=True)


def case_svg():
    for arguments in (("svg", "small"), ("svg", "samples:20000"), ("svg", "diff")):
        root = xml.fromstring(render(*arguments))
        space = "{http://www.w3.org/2000/svg}"
        width = float(root.get("viewBox").split()[2])
        boxes = [g for g in root.iter(space + "g") if g.get("class") == "f"]
        assert len(boxes) > 5
        for box in boxes:
            rect = box.find(space + "rect")
            assert float(rect.get("x")) + float(rect.get("width")) <= width
            assert box.find(space + "title").text
    titles = [t.text for t in xml.fromstring(render("svg", "small")).iter(space + "title")]
    assert "parse (program) 60.0 %, total 600 ms, self 400 ms" in titles, titles


def case_csv():
    for table, rows in (("summary", 16), ("hotspots", 5), ("zones", 3), ("spans", 10),
                        ("events", 2), ("threads", 4)):
        text = render("csv", "small", f"table={table}").decode()
        lines = list(csv.reader(io.StringIO(text, newline="")))
        assert len(lines) == rows + 1, (table, len(lines))
        assert {len(line) for line in lines} == {len(lines[0])}
    hot = list(csv.DictReader(io.StringIO(render("csv", "small", "table=hotspots").decode())))
    assert hot[0]["function"] == "parse" and float(hot[0]["self_ratio"]) == 0.4
    zones = list(csv.DictReader(io.StringIO(render("csv", "small", "table=zones").decode())))
    # A quantile that the sample cannot support is empty, not zero.
    assert zones[2]["zone"] == "rare" and zones[2]["p99_ns"] == ""


def case_openmetrics():
    lines = render("openmetrics", "small").decode().splitlines()
    assert lines[-1] == "# EOF"
    sample = re.compile(r'^([a-z0-9_]+)\{run="[^"]*",subject="(?:[^"\\]|\\.)*"\} [-+0-9.e]+ \d+\.\d{3}$')
    family, kinds = None, {}
    for line in lines[:-1]:
        if line.startswith("# TYPE "):
            family, kind = line.split()[2:]
            assert family not in kinds, "a family is described twice"
            kinds[family] = kind
        elif not line.startswith("# HELP "):
            name = sample.match(line).group(1)
            assert name == family + ("_total" if kinds[family] == "counter" else "")


globals()["case_" + sys.argv[2]]()
