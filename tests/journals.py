"""Journals for tests: written in a moment, read back, and opened by a process of their own."""

import subprocess
import sys
from pathlib import Path

import properties
from properties.campaigns.journal.journal import Journal

ALONE = f"""
import os, resource, sys, types
package = types.ModuleType("properties")  # the journal without its package, which takes long to import
package.__path__ = [{str(Path(properties.__file__).parent)!r}]
sys.modules["properties"] = package
from pathlib import Path
from properties.campaigns.journal.journal import Journal, JournalError, JournalFull
directory = Path(sys.argv[1])
"""


def process(directory, code, **more):
    arguments = [sys.executable, "-S", "-c", ALONE + code, str(directory)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **more)


def journal_of(directory, number, **more):
    with Journal.open(directory, resume=False, **more) as journal:
        for value in range(number):
            journal.append({"value": value})
    return directory / "journal.jsonl"


def values(directory):
    with Journal.open(directory, resume=True) as journal:
        return [record["value"] for record in journal.records], journal.notes
