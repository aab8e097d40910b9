"""One process and a loop."""

import job


def main():
    args = job.parser(__doc__).parse_args()
    job.measure(args, lambda json, lines: map(job.Tokenize(json), lines))


if __name__ == "__main__":
    main()
