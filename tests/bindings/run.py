"""Checks the foreign interface: python run.py --deputy PATH --relay PATH --model-server PATH"""

import argparse
import asyncio
import logging
import os
import sys
import time
from pathlib import Path

import calls
import failures
import leaks
from world import world

CHECKS = calls.CHECKS + failures.CHECKS + leaks.CHECKS


async def run(binaries, only):
    async with world(binaries) as this:
        for number, check in enumerate(CHECKS):
            # The first one brings the device that all others use.
            if only and check.__name__ not in only and number > 0:
                continue
            name = check.__name__.replace("_", " ")
            began = time.monotonic()
            try:
                await check(this)
            except Exception as error:
                print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
                logging.debug("where", exc_info=True)
                return 1
            print(f"ok {name}", flush=True)
            logging.info("took %.1f s", time.monotonic() - began)
    return 0


def program(path):
    return Path(path).resolve(strict=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deputy", required=True, type=program)
    parser.add_argument("--relay", required=True, type=program)
    parser.add_argument("--model-server", required=True, type=program)
    parser.add_argument("--only", action="append", help="a check's name, with underscores")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.CRITICAL)
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    code = asyncio.run(run(args, args.only))
    sys.stdout.flush()
    # After a failure agents may be open, whose threads must not meet an interpreter that ends.
    os._exit(code)


if __name__ == "__main__":
    main()
