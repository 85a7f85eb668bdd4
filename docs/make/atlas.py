"""What a campaign found, and when: the figures of a page of the atlas, from the directory of a campaign.

    lossproof fuzz tests/losses/paddle_losses.py:CROSS_ENTROPY ... --max-time 1h --workers 1 --out DIR
    python -m docs.make.atlas DIR

Times are of the work of one worker: the seconds of all shards up to the one that found it.
"""

import argparse
from pathlib import Path

from properties.campaigns.journal.journal import Journal
from properties.certificates.causes import causes
from properties.certificates.certificate import Certificate
from properties.engine.result import FAILED
from properties.report.durations import words_of


def first_times(directory):
    """For each target and law that failed, the seconds of work until it first did; and the examples until then."""
    found, seconds, examples = {}, 0.0, 0
    with Journal.open(directory, resume=True) as journal:
        for record in journal.records:
            if "law" not in record:
                seconds += record.get("seconds", 0.0)
                continue
            seconds += record["seconds"]
            examples += record["report"].get("examples", 0)
            if record["report"]["outcome"] in FAILED:
                number = int(record["id"].partition(":")[0])
                found.setdefault((number, record["law"]), (seconds, examples, record["report"]["outcome"]))
    return found, seconds, examples


def rows(directory):
    """A row for each target: examples, laws, causes with the laws that lead them, and when they were found."""
    times, _, _ = first_times(directory)
    for number, path in enumerate(sorted(Path(directory).glob("certificate-*.json"))):
        certificate = Certificate.read(path)
        ran = certificate.campaign["examples"]
        held = sum(law.outcome == "held" for law in certificate.laws)
        led = []
        for cause in causes(certificate):
            first = min(times[number, law][0] for law in (cause.law.id, *cause.also) if (number, law) in times)
            also = f" and {len(cause.also)} more" if cause.also else ""
            led.append((first, f"`{cause.law.id}`{also} ({words_of(first)})"))
        yield certificate.subject, sum(ran.values()), held, len(certificate.failed), [words for _, words in sorted(led)]


def main():
    """Print it as Markdown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    directory = parser.parse_args().directory
    _, seconds, examples = first_times(directory)
    print(f"{examples:,} examples in {words_of(seconds)} of one worker.\n")
    print("| loss | examples | laws that held, and not | what was found, and when |\n| --- | --- | --- | --- |")
    for name, ran, held, failed, led in rows(directory):
        print(f"| {name} | {ran:,} | {held}, {failed} | {'; '.join(led)} |")


if __name__ == "__main__":
    main()
