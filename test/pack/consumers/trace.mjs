// For `node --import ./trace.mjs`: writes the URL of each module that is loaded to a file.
import { register } from "node:module";

register("./trace-hooks.mjs", import.meta.url, { data: process.env.TRACE });
