"""Reads a line of text: the recognition model of rapidocr, and a beam search over what it says.

    pip install widebeam onnxruntime pillow
    pip install --no-deps rapidocr-onnxruntime==1.4.4
    python ocr.py [LINE.png] [HOTWORD...]

Without an image it draws one.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from widebeam import CtcDecoder

HEIGHT = 48


def drawn(text="In the beginning was the Word"):
    image = Image.new("L", (640, HEIGHT), 255)
    ImageDraw.Draw(image).text((8, 8), text, font=ImageFont.load_default(26), fill=40)
    return image.filter(ImageFilter.GaussianBlur(1.0))


def main():
    image = Image.open(sys.argv[1]) if len(sys.argv) > 1 else drawn()
    package = Path(importlib.util.find_spec("rapidocr_onnxruntime").origin).parent
    model = onnxruntime.InferenceSession(package / "models" / "ch_PP-OCRv4_rec_infer.onnx")
    labels = ["", *model.get_modelmeta().custom_metadata_map["character"].splitlines(), " "]

    width = round(image.width * HEIGHT / image.height)
    pixels = np.asarray(image.convert("RGB").resize((width, HEIGHT)), "f4") / 127.5 - 1
    (probs,) = model.run(None, {model.get_inputs()[0].name: pixels.transpose(2, 0, 1)[None]})

    hotwords = sys.argv[2:] or None
    decoder = CtcDecoder(labels, beams=8, word_delimiter=" ", hotwords=hotwords)
    for hypothesis in decoder.decode(probs, "probs")[0][:3]:
        print(f"{hypothesis.score:8.3f}  {hypothesis.text}")


if __name__ == "__main__":
    main()
