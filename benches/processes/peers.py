"""Python's ways to run items in two processes: `peers.py PEER WORK ITEMS`.

Prints the seconds from the end of a warm-up to the last result.
"""

import itertools
import multiprocessing
import sys
import time

WORKERS, LARGE = 2, 64 * 1024


def add_one(x):
    return x + 1


def flip(data):
    return bytes([data[0] ^ 1]) + data[1:]


def seconds(results, warm_up, items):
    assert sum(1 for _ in itertools.islice(results, warm_up)) == warm_up
    start = time.perf_counter()
    assert sum(1 for _ in results) == items
    return time.perf_counter() - start


def main():
    peer, work, items = sys.argv[1], sys.argv[2], int(sys.argv[3])
    warm_up = min(2_000, items // 10)
    large = b"\7" * LARGE
    source = (large for _ in range(warm_up + items)) if work == "large" else iter(range(warm_up + items))
    call = flip if work == "large" else add_one
    if peer == "mtasklite":
        import mtasklite.pool

        pool = mtasklite.pool.Pool([call] * WORKERS, use_threads=False)
        with pool:
            # It takes what has a length.
            print(seconds(iter(pool(list(source))), warm_up, items))
        return
    chunk = int(peer.removeprefix("imap-"))
    with multiprocessing.Pool(WORKERS) as pool:
        print(seconds(pool.imap(call, source, chunk), warm_up, items))


if __name__ == "__main__":
    main()
