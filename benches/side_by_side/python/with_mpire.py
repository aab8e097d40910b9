"""mpire's `WorkerPool.imap`: processes that keep a state, in order."""

import job
import mpire


def call(state, line):
    return state["tokenize"](line)


def main():
    parser = job.parser(__doc__)
    parser.add_argument("--chunk", type=int, help="chunk_size [default: mpire's own]")
    args = parser.parse_args()

    def results(json, lines):
        def build(state):
            state["tokenize"] = job.Tokenize(json)

        with mpire.WorkerPool(n_jobs=args.workers, use_worker_state=True) as pool:
            yield from pool.imap(call, lines, worker_init=build, chunk_size=args.chunk)

    job.measure(args, results)


if __name__ == "__main__":
    main()
