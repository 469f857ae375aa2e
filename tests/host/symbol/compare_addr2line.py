# Compares the symboliser with addr2line and llvm-symbolizer over the code of programs.
#
# usage: compare_addr2line.py PRINT_PLACES STEP FILE... [--same FILE FILE...]
#
# After --same: builds of the same code, of which we have to say the same as of the first (addr2line
# cannot read the others: their DWARF is in a .dwo file or in type units).
#
# Every STEP-th address that a function symbol covers is asked for. The chain of inlined functions has
# to be as long as theirs, and each name, file and line has to be what one of the two says: addr2line
# names some function of the chain by its symbol and sometimes gives the innermost line a wrong file,
# llvm-symbolizer has no names for functions of local types. c++filt makes their names readable. Of a
# function's part that was moved away (".cold") the function's name counts, and we may say more, what
# encloses a function without a mangled name. llvm-symbolizer is optional.
import os
import re
import shutil
import subprocess
import sys


def addresses_of(path, step):
    table = subprocess.run(["readelf", "-sW", path], capture_output=True, text=True, check=True).stdout
    found = set()
    for line in table.splitlines():
        match = re.match(r"\s*\d+: ([0-9a-f]+)\s+(\d+) FUNC\s+\S+\s+\S+\s+(\d+)", line)
        if match:
            start, size = int(match[1], 16), int(match[2])
            found.update(range(start, start + size, step))
    return sorted(found)


def plain(name):
    return re.sub(r"( \[clone [^\]]*\])+$|\.cold$", "", name)


def chains(output):
    result, address = {}, None
    lines = [line for line in output.splitlines() if line]
    at = 0
    while at < len(lines):
        if re.fullmatch(r"0x[0-9a-f]+", lines[at]):
            address = int(lines[at], 16)
            result[address] = []
            at += 1
            continue
        place = re.sub(r" \(discriminator \d+\)", "", lines[at + 1])
        file, _, line = place.rpartition(":")
        file = os.path.normpath(file) if file.strip("?") else ""
        result[address].append((plain(lines[at]), file, 0 if line == "?" else int(line)))
        at += 2
    return result


def readable(text):
    """With mangled names as we show them: without parameters."""
    return subprocess.run(["c++filt", "-p"], input=text, capture_output=True, text=True, check=True).stdout


def ask(command, text):
    answer = subprocess.run(command, input=text, capture_output=True, text=True)
    if answer.returncode != 0:
        sys.exit(f"{command[0]}: exit status {answer.returncode}: {answer.stderr}")
    return chains(readable(answer.stdout))


def symbol_names(path):
    table = subprocess.run(["nm", path], capture_output=True, text=True, check=True).stdout
    return {plain(line.split(" ", 2)[2]) for line in readable(table).splitlines() if line.count(" ") >= 2}


def agrees(chain, theirs, symbols):
    peers = [peer for peer in theirs if peer and len(peer) == len(chain)]
    if not chain or not peers:
        return False
    names = {place[0] for peer in peers for place in peer} | symbols
    return all((place[0] in names or any(place[0].endswith("::" + name) for name in names)) and
               any(place[1] == peer[at][1] for peer in peers) and
               any(place[2] == peer[at][2] for peer in peers) for at, place in enumerate(chain))


def compare(print_places, step, path):
    addresses = addresses_of(path, step)
    text = "".join(f"{address:#x}\n" for address in addresses)
    ours = ask([print_places, path], text)
    peers = [ask(["addr2line", "-a", "-f", "-i", "-e", path], text)]
    if shutil.which("llvm-symbolizer"):
        peers.append(ask(["llvm-symbolizer", "--output-style=GNU", "--no-demangle", "-a", "-f", "-i",
                          "-e", path], text))
    symbols = symbol_names(path)
    differ = [a for a in addresses if not agrees(ours.get(a), [peer.get(a) for peer in peers], symbols)]
    inlined = sum(len(chain) > 1 for chain in ours.values())
    for address in differ[:5]:
        print(f"{path}: {address:#x}\n  tacho {str(ours.get(address))[:400]}")
        for peer in peers:
            print(f"  peer  {str(peer.get(address))[:400]}")
    print(f"{os.path.basename(path)}: {len(addresses)} addresses, {inlined} inside inlined functions, "
          f"{len(differ)} differ")
    return len(addresses) > 0 and not differ


def same(print_places, step, whole, split):
    text = "".join(f"{address:#x}\n" for address in addresses_of(whole, step))
    first, second = ask([print_places, whole], text), ask([print_places, split], text)
    differ = [address for address in first if first[address] != second.get(address)]
    print(f"{os.path.basename(split)}: {len(first)} addresses, {len(differ)} differ from {os.path.basename(whole)}")
    return len(first) > 0 and not differ


def main():
    print_places, step, paths = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    at = paths.index("--same") if "--same" in paths else len(paths)
    results = [compare(print_places, step, path) for path in paths[:at]]
    results += [same(print_places, step, paths[at + 1], path) for path in paths[at + 2:]]
    sys.exit(0 if all(results) else 1)


main()
