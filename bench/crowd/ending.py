"""How a process that makes load ends."""

import asyncio
import signal


async def until_told(seconds: float) -> None:
    """Wait for SIGTERM, at most so long: nothing is left running whatever becomes of its parent."""
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    try:
        await asyncio.wait_for(told.wait(), seconds)
    except TimeoutError:
        pass
