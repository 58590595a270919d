"""Checks a relay and an agent against this client: python run.py --deputy PATH --relay PATH"""

import argparse
import asyncio
import logging
import signal
import sys
import time
from pathlib import Path

from checks import CHECKS
from world import world

LONGEST_CHECK = 60


async def run(deputy, relay, only):
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    async with world(deputy, relay) as this:
        for check in CHECKS:
            # The first ones bring the device that all others use.
            if only and check.__name__ not in only and CHECKS.index(check) > 1:
                continue
            name = check.__name__.replace("_", " ")
            began = time.monotonic()
            try:
                await asyncio.wait_for(check(this), LONGEST_CHECK)
            except Exception as error:
                print(f"FAILED {name}: {type(error).__name__}: {error}", flush=True)
                logging.debug("where", exc_info=True)
                return 1
            print(f"ok {name}", flush=True)
            logging.info("took %.1f s", time.monotonic() - began)
    return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deputy", required=True, type=Path)
    parser.add_argument("--relay", required=True, type=Path)
    parser.add_argument("--only", action="append", help="a check's name, with underscores")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    logging.basicConfig(level=logging.DEBUG if args.verbose else logging.CRITICAL)
    for noisy in ("quic", "websockets", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.CRITICAL)
    try:
        sys.exit(asyncio.run(run(args.deputy.resolve(), args.relay.resolve(), args.only)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit("stopped")
    except Exception as error:
        logging.debug("where", exc_info=True)
        sys.exit(f"FAILED to start: {type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
