#!/usr/bin/env python3
"""Makes the stored selection of test262 anew: select.py TEST262 [EACH]

TEST262 is a checkout of test262, or the copy in the source of SpiderMonkey (js/src/tests/test262),
whose two additions to each file (a first line for its own runner, a last call) are taken off again.
Of the files that bear on the language of scripts, every EACHth of a folder is kept (25 when absent);
folders that matter most here are kept more densely. The choice depends on nothing but the names.
"""

import pathlib
import re
import shutil
import sys

HERE = pathlib.Path(__file__).parent
# What a script does not have, or what only a browser's or a test shell's host could answer.
ABSENT = re.compile(
    r"\$262\b|\beval\b|\bFunction\s*\(|\bGeneratorFunction\b|\bAsyncFunction\b|\bAsyncGeneratorFunction\b"
    r"|\bSharedArrayBuffer\b|\bAtomics\b|\bWeakRef\b|\bFinalizationRegistry\b|\bimport\s*\(|\bimport\.meta\b"
    r"|\bIsHTMLDDA\b|\bwith\s*\(|\bdetachArrayBuffer\b|\bwellKnownIntrinsicObjects\b"
)
# The global object as `this` of the whole test: in a module there is none.
GLOBAL_THIS = re.compile(r"(?m)^(?![\s/*])(?!.*(\bfunction\b|\bclass\b|=>)).*\bthis\b")
# Lists over several lines, which the runner does not read.
OTHER = re.compile(r"(?m)^(includes|flags|features):\s*$")
FLAGS = re.compile(r"flags:\s*\[([^\]]*)\]")
INCLUDES = re.compile(r"includes:\s*\[([^\]]*)\]")
FEATURES_ABSENT = {
    "tail-call-optimization", "cross-realm", "Atomics", "SharedArrayBuffer", "dynamic-import", "import.meta",
    "FinalizationRegistry", "WeakRef", "IsHTMLDDA", "host-gc-required", "regexp-match-indices", "Intl-enumeration",
}
# Folders of which more is kept: what scripts of errands are made of.
DENSE = ("built-ins/Promise", "language/expressions/await", "built-ins/JSON", "language/statements/for-await-of",
         "built-ins/Proxy", "built-ins/Reflect", "language/statements/try", "built-ins/Map", "built-ins/Set", "built-ins/Date")


def read(path: pathlib.Path) -> str:
    """As it is: line ends are what some of the tests are about."""
    return path.read_bytes().decode()


def plain(text: str) -> str:
    text = re.sub(r"\A// \|reftest\|[^\n]*\n", "", text)
    return re.sub(r"\n+reportCompare\(0, 0\);\n*\Z", "\n", text)


def helpers(source: pathlib.Path, needed: set[str]) -> dict[str, str]:
    """The harness's files; SpiderMonkey's copy has them within its shell.js files, named in comments."""
    found = {}
    for shell in sorted(source.rglob("shell.js")):
        for part in read(shell).split("// file: ")[1:]:
            name, text = part.split("\n", 1)
            if name in needed:
                found.setdefault(name, text.strip() + "\n")
    # There the folder of that name holds the tests of the harness.
    for name in sorted(needed) if not found else []:
        found[name] = read(source / "harness" / name)
    missing = needed - set(found)
    assert not missing, f"not found: {sorted(missing)}"
    return found


def bears(text: str) -> bool:
    head = text[: text.find("---*/")]
    flags = FLAGS.search(head)
    if flags and set(re.split(r"[\s,]+", flags[1])) & {"module", "raw", "noStrict", "CanBlockIsFalse", "CanBlockIsTrue"}:
        return False
    features = re.search(r"features:\s*\[([^\]]*)\]", head)
    if features and set(re.split(r"[\s,]+", features[1])) & FEATURES_ABSENT:
        return False
    return not (ABSENT.search(text) or GLOBAL_THIS.search(text) or OTHER.search(head))


def main() -> None:
    source, each = pathlib.Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 25
    target = HERE / "test"
    shutil.rmtree(target, ignore_errors=True)
    harness = HERE / "harness"
    shutil.rmtree(harness, ignore_errors=True)
    folders: dict[pathlib.Path, list[pathlib.Path]] = {}
    for top in ("language", "built-ins"):
        for path in sorted((source / top).rglob("*.js")):
            if "property-escapes/generated" in str(path):  # made for one edition of Unicode
                continue
            if path.name in ("shell.js", "browser.js") or path.name.endswith("_FIXTURE.js"):
                continue
            if bears(read(path)):
                folders.setdefault(path.parent.relative_to(source), []).append(path)
    needed, count = {"assert.js", "sta.js"}, 0
    seen = 0
    for folder, paths in folders.items():
        step = each // 5 if any(str(folder).startswith(d) for d in DENSE) else each
        for path in paths:
            seen += 1
            if seen % max(step, 1):
                continue
            text = plain(read(path))
            includes = INCLUDES.search(text)
            needed |= set(re.split(r"[\s,]+", includes[1].strip())) - {""} if includes else set()
            out = target / folder / path.name
            out.parent.mkdir(parents=True, exist_ok=True)
            out.write_bytes(text.encode())
            count += 1
    harness.mkdir()
    for name, text in helpers(source, needed).items():
        (harness / name).write_bytes(text.encode())
    shutil.copy(source / "LICENSE", HERE / "LICENSE")
    print(f"{count} of {sum(map(len, folders.values()))} files that bear on the language of scripts")


if __name__ == "__main__":
    main()
