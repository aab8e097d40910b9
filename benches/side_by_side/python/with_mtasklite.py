"""mtasklite's pool: threads or processes, in order or not."""

import job
import mtasklite.pool
from mtasklite import delayed_init


@delayed_init
class Tokenize(job.Tokenize):
    pass


@delayed_init
class TokenizeNumbered(job.Tokenize):
    """Out of order, a result has to say which line it is of."""

    def __call__(self, numbered):
        at, line = numbered
        return at, self.tokenizer.encode_batch_fast([line])[0].ids


def main():
    parser = job.parser(__doc__)
    parser.add_argument("--threads", action="store_true")
    parser.add_argument("--unordered", action="store_true")
    parser.add_argument("--chunk", type=int, help="chunk_size [default: mtasklite's own]")
    args = parser.parse_args()

    def results(json, lines):
        # A list: one object listed k times would be one shared instance in threads.
        made = TokenizeNumbered if args.unordered else Tokenize
        workers = [made(json) for _ in range(args.workers)]
        pool = mtasklite.pool.Pool(
            workers,
            use_threads=args.threads,
            is_unordered=args.unordered,
            chunk_size=args.chunk,
        )
        with pool:
            yield from pool(list(enumerate(lines)) if args.unordered else lines)

    job.measure(args, results)


if __name__ == "__main__":
    main()
