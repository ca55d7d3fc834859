/** What `deno run` costs in this project, before a program does anything. @module */

console.log("constant");
