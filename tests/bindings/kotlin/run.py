"""Compiles the Kotlin bindings and drives them on a JVM: python run.py --deputy PATH --relay PATH

Needs Java 17, JNA (Debian: libjna-java) and pip. The compiler is the one in the PyPI package
`kotlin-jupyter-kernel` (80 MB), which is fetched into `target/kotlin` and not run otherwise. For that
weight it is no part of `cargo xtask test`."""

import argparse
import asyncio
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests/bindings"))

from world import LONGEST, expect, within, world  # noqa: E402

BINDINGS = ROOT / "target/bindings"
WORK = ROOT / "target/kotlin"
COMPILER = "kotlin-jupyter-kernel==0.19.0.944"
JNA = Path("/usr/share/java/jna.jar")


def jars():
    """The compiler with its libraries."""
    if not list(WORK.glob("jars/*.jar")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", WORK]
        subprocess.run([*pip, COMPILER], check=True)
        with zipfile.ZipFile(next(WORK.glob("*.whl"))) as wheel:
            for name in wheel.namelist():
                if name.startswith("run_kotlin_kernel/jars/") and name.endswith(".jar"):
                    target = WORK / "jars" / Path(name).name
                    target.parent.mkdir(exist_ok=True)
                    target.write_bytes(wheel.read(name))
    return [str(path) for path in sorted(WORK.glob("jars/*.jar"))]


def path_of(*places):
    return ":".join(str(place) for place in places)


def build(libraries, sources, out, *more):
    """Warnings of generated code are its generator's; an error fails."""
    compiler = ["java", "-Xmx3g", "-cp", path_of(*libraries)]
    compiler += ["org.jetbrains.kotlin.cli.jvm.K2JVMCompiler", "-no-reflect", "-no-stdlib"]
    path = path_of(*more, *libraries, JNA)
    command = [*compiler, "-nowarn", "-classpath", path, "-d", str(out), *map(str, sources)]
    subprocess.run(command, check=True)


async def drive(args, libraries, classes):
    async with world(args) as this:
        await this.install("hello", {}, "export default async () => 1;")
        number, link = await this.begin_pairing()
        app = this.directory / "app"
        app.mkdir()
        process = await asyncio.create_subprocess_exec(
            "java", f"-Djna.library.path={BINDINGS / 'python'}",
            "-cp", path_of(*classes, *libraries, JNA), "DriveKt", link, app,
            stdout=asyncio.subprocess.PIPE,
        )
        said = (await within(process.stdout.readline())).decode().strip()
        shown = await this.cli("pair", "--id", number, codes=(0, 4))
        expect(said == f"phrase {shown['phrase']}", f"{said} and {shown['phrase']}")
        await this.cli("pair", "--id", number, "--same")
        rest = (await asyncio.wait_for(process.stdout.read(), 3 * LONGEST)).decode().strip()
        expect(await process.wait() == 0, "the app failed")
        expect(rest == f"version {(await this.cli('status'))['version']}", rest)
    print("ok Kotlin pairs, lists, commands, is refused, cancels, rests and comes back")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--deputy", required=True, type=Path)
    parser.add_argument("--relay", required=True, type=Path)
    args = parser.parse_args()
    args.deputy, args.relay = args.deputy.resolve(strict=True), args.relay.resolve(strict=True)
    WORK.mkdir(parents=True, exist_ok=True)
    libraries = jars()
    core, app = WORK / "core", WORK / "app"
    build(libraries, [BINDINGS / "kotlin/deputy/core/deputy_ffi.kt"], core)
    build(libraries, [Path(__file__).with_name("Drive.kt")], app, core)
    asyncio.run(drive(args, libraries, [app, core]))


if __name__ == "__main__":
    main()
