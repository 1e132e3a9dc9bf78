#!/usr/bin/env python3
"""Prints the licences of the libraries that are linked into the program: a list of all, then each text once."""

import collections
import json
import pathlib
import re
import subprocess

NOTICE = re.compile(r"(LICEN[CS]E|COPYING|COPYRIGHT|NOTICE|UNLICENSE)", re.IGNORECASE)


def cargo(*arguments):
    command = ["cargo", *arguments, "--locked"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def linked():
    """The libraries of the program, as (name, version)."""
    lines = cargo("tree", "--edges", "normal", "--prefix", "none", "--format", "{p}").splitlines()
    words = (line.split() for line in lines)
    return {(word[0], word[1].removeprefix("v")) for word in words if word} - {own()}


def own():
    package = json.loads(cargo("metadata", "--no-deps", "--format-version", "1"))["packages"][0]
    return package["name"], package["version"]


def main():
    wanted = linked()
    packages = json.loads(cargo("metadata", "--format-version", "1"))["packages"]
    packages = [package for package in packages if (package["name"], package["version"]) in wanted]
    packages.sort(key=lambda package: (package["name"], package["version"]))
    texts = collections.defaultdict(list)
    print("Tokenscope contains these libraries, under these licences:\n")
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or 'see its text'}")
        folder = pathlib.Path(package["manifest_path"]).parent
        for file in sorted(folder.iterdir()):
            if file.is_file() and NOTICE.match(file.name):
                texts[file.read_text(errors="replace").strip()].append(name)
    for text, names in texts.items():
        print(f"\n{'-' * 80}\n{', '.join(dict.fromkeys(names))}\n\n{text}")


main()
