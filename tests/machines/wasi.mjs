// node wasi.mjs PROGRAM.wasm [ARGUMENT...]: runs a WASI program that may read the files of
// this repository, with the environment of this process.

import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { WASI } from "node:wasi";

const [program, ...rest] = process.argv.slice(2);
const repository = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");
const wasi = new WASI({
  version: "preview1",
  args: [program, ...rest],
  env: process.env,
  preopens: { [repository]: repository },
});

// Debian's C library for WASI has no functions of threads, not even such that fail. These say,
// as newer ones do, that threads are not supported (ENOTSUP).
const env = Object.fromEntries(
  ["create", "detach", "join", "attr_init", "attr_destroy", "attr_setstacksize"].map((name) => [
    `pthread_${name}`,
    () => (name === "create" ? 58 : 0),
  ]),
);

const module = await WebAssembly.compile(await readFile(program));
process.exitCode = wasi.start(await WebAssembly.instantiate(module, { ...wasi.getImportObject(), env }));
