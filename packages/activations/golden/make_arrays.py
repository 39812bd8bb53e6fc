"""Writes activation sets in every layout that numpy has for them, for the tests to read or to refuse (arrays/*.npz)."""

from pathlib import Path

import numpy as np

folder = Path(__file__).parent / "arrays"
rows = np.arange(12, dtype=np.float32).reshape(3, 4) / 8
rows[1] = np.nan


def save(name, array, write=np.savez, **more):
    write(folder / f"{name}.npz", layer_3=array, **more)


save("c_order", rows)
save("fortran_order", np.asfortranarray(rows))
save("big_endian", rows.astype(">f4"))
save("big_endian_fortran", np.asfortranarray(rows.astype(">f8")))
save("half", rows.astype(np.float16))
save("double", rows.astype(np.float64))
save("compressed", rows, np.savez_compressed)
save("strided", np.repeat(rows, 2, axis=1)[:, ::2])
save("beside_others", rows, labels=np.array([1, 2, 3]))
save("no_rows", np.zeros((0, 4), np.float32))
save("scalar", np.float32(3))
save("one_axis", rows[0])
save("three_axes", rows[None])
save("no_columns", np.zeros((3, 0), np.float32))
save("integers", np.arange(12).reshape(3, 4))
save("complex", rows.astype(np.complex64))
save("objects", np.array([[1, "x"], [None, 2]], dtype=object))
