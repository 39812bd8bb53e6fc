"""Makes pyzipper.zip: an AES-256 zip as another program writes it (its salts are random: a second run gives other bytes).

    pip install pyzipper
    python make_pyzipper.py
"""

from pathlib import Path

import pyzipper

with pyzipper.AESZipFile(
    Path(__file__).parent / "pyzipper.zip", "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
) as file:
    file.setpassword("schlüssel".encode())
    file.comment = b"a comment"
    contents = {"a/text.txt": "Ein Text.\n".encode() * 5000, "leer.txt": b"", "ümlaut.bin": bytes(range(256)) * 700}
    for name, content in contents.items():
        info = pyzipper.zipfile_aes.AESZipInfo(name, (2026, 1, 2, 3, 4, 6))
        info.compress_type = pyzipper.ZIP_DEFLATED
        file.writestr(info, content)
