"""HTTP servers on this machine, for tests of what is fetched."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """What a server sends. encoding: of the body, such as gzip. kept: bytes that it holds back."""

    status: int
    body: bytes
    encoding: str = ""
    kept: int = 0


class LocalServer:
    """A server that sends what `answer` returns, each request in a thread of its own."""

    def __init__(self) -> None:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                found = server.answer(self.path)
                self.send_response(found.status)
                self.send_header("Content-Length", str(len(found.body)))
                if found.encoding:
                    self.send_header("Content-Encoding", found.encoding)
                self.end_headers()
                self.wfile.write(found.body[: len(found.body) - found.kept])

            def log_message(self, *_args: object) -> None:
                pass

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self._httpd.server_port}"
        self._thread = threading.Thread(target=self._httpd.serve_forever, args=(0.01,))
        self._thread.start()

    def answer(self, path: str) -> Answer:
        raise NotImplementedError

    def url(self, path: str) -> str:
        return f"http://{self.host}{path}"

    def close(self) -> None:
        self._httpd.shutdown()
        self._thread.join()
        self._httpd.server_close()
