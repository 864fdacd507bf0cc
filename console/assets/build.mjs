// Makes console/static/vendor: one script for each file in entries/, Bootstrap Italia's style sheet, fonts and icons.
// Run by ./bootstrap, which copies this file beside node_modules. Usage: node build.mjs ASSETS VENDOR
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const [assets, vendor] = process.argv.slice(2);
const modules = fileURLToPath(new URL("node_modules", import.meta.url));
const italia = join(modules, "bootstrap-italia");
const FONTS = [
  ["Titillium Web", "Titillium_Web", "titillium-web-v10-latin-ext_latin", { 300: "300", 400: "regular", 600: "600", 700: "700" }],
  ["Roboto Mono", "Roboto_Mono", "roboto-mono-v13-latin-ext_latin", { 400: "regular", 700: "700" }],
];

const made = `${vendor}.new`;
await rm(made, { recursive: true, force: true });
await mkdir(join(made, "fonts"), { recursive: true });

const entries = (await readdir(join(assets, "entries"))).filter((name) => /\.[jt]s$/.test(name));
const { metafile } = await build({
  entryPoints: entries.map((name) => join(assets, "entries", name)),
  outdir: made,
  nodePaths: [modules],
  bundle: true,
  minify: true,
  format: "iife",
  target: ["chrome109", "firefox115", "safari16"],
  metafile: true,
  logLevel: "warning",
});

// Without the icon font of the video player, which we do not use: fonts come from our own server only.
const css = await readFile(join(italia, "dist/css/bootstrap-italia.min.css"), "utf8");
await writeFile(
  join(made, "bootstrap-italia.css"),
  css.replace(/@font-face\{[^}]*\}/g, "").replace(/\/\*# sourceMappingURL=.*?\*\//g, ""),
);
await cp(join(italia, "dist/svg/sprites.svg"), join(made, "sprites.svg"));

// The licence of every package that went into the scripts goes with them.
const used = Object.keys(metafile.inputs).map((path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1]);
for (const name of new Set(["bootstrap-italia", ...used.filter(Boolean)])) {
  const licence = (await readdir(join(modules, name))).find((file) => /^licen[cs]e/i.test(file));
  if (licence) await cp(join(modules, name, licence), join(made, `LICENSE.${name.replace("/", "-")}.txt`));
}

// Bootstrap Italia loads its fonts with a style element made by script, which our content security policy refuses.
const faces = [];
for (const [family, folder, stem, weights] of FONTS) {
  for (const [weight, name] of Object.entries(weights)) {
    const file = `${stem}-${name}.woff2`;
    await cp(join(italia, "dist/fonts", folder, file), join(made, "fonts", file));
    faces.push(
      `@font-face{font-family:"${family}";font-style:normal;font-weight:${weight};font-display:swap;` +
        `src:url("fonts/${file}") format("woff2")}`,
    );
  }
}
await writeFile(join(made, "fonts.css"), faces.join("\n") + "\n");
await cp(join(italia, "dist/fonts/Titillium_Web/OFL.txt"), join(made, "fonts/LICENSE.titillium-web.txt"));
await cp(join(italia, "dist/fonts/Roboto_Mono/LICENSE.txt"), join(made, "fonts/LICENSE.roboto-mono.txt"));

// All or nothing: a build that broke off leaves no half folder behind.
await rm(vendor, { recursive: true, force: true });
await rename(made, vendor);
