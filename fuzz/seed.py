#!/usr/bin/env python3
"""Fills fuzz/corpus/tfvars from the oracle's fixtures: one seed per file, the first byte chooses HCL, JSON or a flag."""
import base64, hashlib, json, pathlib

HERE = pathlib.Path(__file__).resolve().parent
corpus = HERE / "corpus" / "tfvars"
corpus.mkdir(parents=True, exist_ok=True)


def keep(seed):
    (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


for pack in sorted((HERE.parent / "tests/fixtures/tfvars").glob("*.json")):
    for case in json.loads(pack.read_text()).values():
        for name, text in case["files"].items():
            data = text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])
            if len(data) < 4096:
                keep((b"1" if name.endswith(".json") else b"0") + data)
                keep(b"2" + data.partition(b"=")[2])
print(sum(1 for _ in corpus.iterdir()), "seeds")
