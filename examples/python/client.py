"""The service from Python, with the standard library alone.

    python3 client.py http://127.0.0.1:8080 MODEL picture.png

Makes a functaset of a model, keeps a picture in it, gets the picture back at twice its size and as a .functa file, and asks
what is near it. FUNCTA_KEY is sent where the service asks for a key.
"""
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request


class Problem(Exception):
    """What the service answered in place of what was asked for (RFC 9457)."""

    def __init__(self, problem):
        super().__init__(f"{problem['code']}: {problem['detail']}")
        self.problem = problem


class Client:
    def __init__(self, base, key=None):
        self.base = base.rstrip("/")
        self.headers = {"authorization": f"Bearer {key}"} if key else {}

    def call(self, method, path, body=None, content_type=None, accept="*/*", **query):
        """The bytes of an answer. Bodies are bytes: nothing is encoded on the way."""
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {**self.headers, "accept": accept}
        if content_type:
            headers["content-type"] = content_type
        request = urllib.request.Request(url, data=body, method=method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as error:
            raise Problem(json.loads(error.read())) from None

    def json(self, method, path, value=None):
        body = None if value is None else json.dumps(value).encode()
        answer = self.call(method, path, body, body and "application/json", "application/json")
        return json.loads(answer) if answer else None


def main(base, model, file):
    client = Client(base, os.environ.get("FUNCTA_KEY"))
    with open(file, "rb") as opened:
        picture = opened.read()
    path = "/v1/functasets/from-python"
    client.json("PUT", path, {"model": model})
    client.call("PUT", f"{path}/functions/first", picture, "image/png", quality=80)
    larger = client.call("GET", f"{path}/functions/first", accept="image/png", size="2x")
    coded = client.call("GET", f"{path}/functions/first", accept="application/vnd.functa")
    near = client.json("POST", f"{path}/query", {"kind": "near", "id": "first", "k": 3})
    try:
        client.json("GET", f"{path}/functions/second")
        missing = None
    except Problem as problem:
        missing = problem.problem["code"]
    print(
        json.dumps(
            {
                "picture": len(picture),
                "coded": len(coded),
                "larger": larger[:8].hex(),
                "near": [item["id"] for item in near["items"]],
                "missing": missing,
            }
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])
