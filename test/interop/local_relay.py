"""rust-nostr's LocalRelay on 127.0.0.1 until stdin ends: local_relay.py [--auth]. Prints its URL when it listens."""

import asyncio
import socket
import sys

from nostr_sdk import LocalRelay, RateLimit, RelayBuilder, RelayBuilderNip42, RelayBuilderNip42Mode


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def main() -> None:
    port = free_port()
    # Without a database it is one in memory. Its default of 60 events a minute is for people, not for suites.
    builder = RelayBuilder().addr("127.0.0.1").port(port).rate_limit(RateLimit(max_reqs=64, notes_per_minute=600))
    if "--auth" in sys.argv:
        builder = builder.nip42(RelayBuilderNip42(mode=RelayBuilderNip42Mode.BOTH)).auth_dm(True)
    relay = LocalRelay(builder)
    await relay.run()
    print(f"ws://127.0.0.1:{port}", flush=True)
    await asyncio.to_thread(sys.stdin.read)


asyncio.run(main())
