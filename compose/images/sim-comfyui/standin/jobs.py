"""The queue, its one worker, and what came of the prompts."""

import json
import threading
import time
from collections import deque
from pathlib import Path
from typing import Any

import png
from nodes import Json

# (number, id, prompt, extra data, ids of the output nodes)
Item = tuple[float, str, Json, Json, list[str]]


class Jobs:
    def __init__(self, output_folder: Path) -> None:
        self.output_folder = output_folder
        self.history: dict[str, Json] = {}
        self.running: list[Item] = []
        self.pending: deque[Item] = deque()
        self._changed = threading.Condition()
        self._cache: dict[str, list[Json]] = {}
        threading.Thread(target=self._work, daemon=True).start()

    def put(self, item: Item) -> None:
        with self._changed:
            self.pending.append(item)
            self._changed.notify()

    def forget(self, ids: list[str] | None = None) -> None:
        """Takes prompts out of the queue that did not begin yet; all of them without `ids`."""
        with self._changed:
            kept = [item for item in self.pending if ids is not None and item[1] not in ids]
            self.pending = deque(kept)

    def queue(self) -> Json:
        with self._changed:
            return {"queue_running": list(self.running), "queue_pending": list(self.pending)}

    def remaining(self) -> int:
        with self._changed:
            return len(self.running) + len(self.pending)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.pending)
                item = self.pending.popleft()
                self.running.append(item)
            result = self._run(item)
            with self._changed:
                self.history[item[1]] = result
                self.running.remove(item)

    def _run(self, item: Item) -> Json:
        _, prompt_id, prompt, _, output_ids = item
        messages: list[list[Any]] = [["execution_start", _moment(prompt_id)]]
        outputs: Json = {}
        cached: list[str] = []
        status = "success"
        for node_id in output_ids:
            # the same picture asked for again is not made again
            key = json.dumps(_ancestry(node_id, prompt), sort_keys=True)
            try:
                if key in self._cache:
                    cached.append(node_id)
                else:
                    self._cache[key] = self._save(node_id, prompt)
            except (NotImplementedError, OSError) as problem:
                status = "error"
                error = {
                    "node_id": node_id,
                    "node_type": prompt[node_id]["class_type"],
                    "executed": list(outputs),
                    "exception_message": str(problem),
                    "exception_type": type(problem).__name__,
                    "traceback": [],
                }
                messages.append(["execution_error", _moment(prompt_id) | error])
                break
            outputs[node_id] = {"images": self._cache[key]}
        if status == "success":
            messages.append(["execution_cached", _moment(prompt_id) | {"nodes": cached}])
            messages.append(["execution_success", _moment(prompt_id)])
        done = status == "success"
        return {
            "prompt": list(item),
            "outputs": outputs,
            "status": {"status_str": status, "completed": done, "messages": messages},
            "meta": {node_id: _meta(node_id) for node_id in outputs},
        }

    def _save(self, node_id: str, prompt: Json) -> list[Json]:
        inputs = prompt[node_id]["inputs"]
        source = prompt[inputs["images"][0]]
        if source["class_type"] != "EmptyImage":
            raise NotImplementedError(
                f"this is a stand-in for ComfyUI: it cannot run {source['class_type']}"
            )
        picture = source["inputs"]
        subfolder, _, prefix = str(inputs["filename_prefix"]).rpartition("/")
        folder = (self.output_folder / subfolder).resolve()
        if not folder.is_relative_to(self.output_folder.resolve()):
            raise OSError("Saving image outside the output folder is not allowed.")
        folder.mkdir(parents=True, exist_ok=True)
        data = png.encode(int(picture["width"]), int(picture["height"]), int(picture["color"]))
        number = _next_number(folder, prefix)
        images = []
        for counter in range(number, number + int(picture["batch_size"])):
            filename = f"{prefix}_{counter:05}_.png"
            (folder / filename).write_bytes(data)
            images.append({"filename": filename, "subfolder": subfolder, "type": "output"})
        return images


def _next_number(folder: Path, prefix: str) -> int:
    start = len(prefix) + 1
    taken = [path.name[start:].split("_")[0] for path in folder.iterdir()
             if path.name.startswith(f"{prefix}_")]  # fmt: skip
    return max((int(number) for number in taken if number.isdigit()), default=0) + 1


def _ancestry(node_id: str, prompt: Json) -> Json:
    node = prompt[node_id]
    links = [value[0] for value in node["inputs"].values() if isinstance(value, list)]
    return {"node": node, "from": [_ancestry(link, prompt) for link in links]}


def _moment(prompt_id: str) -> Json:
    return {"prompt_id": prompt_id, "timestamp": int(time.time() * 1000)}


def _meta(node_id: str) -> Json:
    return {
        "node_id": node_id,
        "display_node": node_id,
        "parent_node": None,
        "real_node_id": node_id,
    }
