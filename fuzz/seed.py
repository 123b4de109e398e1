#!/usr/bin/env python3
"""Fills fuzz/corpus/tfvars from the oracle's fixtures: one seed per file, the first byte chooses HCL or JSON."""
import base64, hashlib, json, pathlib

HERE = pathlib.Path(__file__).resolve().parent
corpus = HERE / "corpus" / "tfvars"
corpus.mkdir(parents=True, exist_ok=True)
for pack in sorted((HERE.parent / "tests/fixtures/tfvars").glob("*.json")):
    for case in json.loads(pack.read_text()).values():
        for name, text in case["files"].items():
            data = text.encode() if isinstance(text, str) else base64.b64decode(text["base64"])
            if len(data) < 4096:
                seed = (b"1" if name.endswith(".json") else b"0") + data
                (corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
print(sum(1 for _ in corpus.iterdir()), "seeds")
