"""The standard library's `ProcessPoolExecutor.map`."""

import concurrent.futures

import job


def main():
    parser = job.parser(__doc__)
    parser.add_argument("--chunk", type=int, default=1, help="chunksize")
    args = parser.parse_args()

    def results(json, lines):
        executor = concurrent.futures.ProcessPoolExecutor(
            args.workers, initializer=job.build, initargs=(json,)
        )
        with executor:
            yield from executor.map(job.call, lines, chunksize=args.chunk)

    job.measure(args, results)


if __name__ == "__main__":
    main()
