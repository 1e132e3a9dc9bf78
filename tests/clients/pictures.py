"""Serves one picture, and prints its URL: for what clients or upstreams fetch themselves."""

import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

PNG = (Path(__file__).parent / "dot.png").read_bytes()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "image/png")
        self.send_header("content-length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    do_HEAD = do_GET


server = HTTPServer(("127.0.0.1", 0), Handler)
print(f"http://127.0.0.1:{server.server_port}/dot.png", flush=True)
server.serve_forever()
