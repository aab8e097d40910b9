"""The standard library's `multiprocessing.Pool.imap`."""

import multiprocessing

import job


def main():
    parser = job.parser(__doc__)
    parser.add_argument("--chunk", type=int, default=1, help="chunksize")
    args = parser.parse_args()

    def results(json, lines):
        with multiprocessing.Pool(args.workers, job.build, (json,)) as pool:
            yield from pool.imap(job.call, lines, args.chunk)

    job.measure(args, results)


if __name__ == "__main__":
    main()
