// Shows /openapi.json.  Text from it is only ever set as text, never as HTML.
"use strict";

const METHODS = ["get", "post", "put", "delete"];

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

function resolved(whole, node) {
  while (node && node.$ref) node = node.$ref.slice(2).split("/").reduce((at, part) => at[part], whole);
  return node || {};
}

// One line that says what a value is.
function said(whole, schema) {
  const found = resolved(whole, schema);
  if (found.enum) return found.enum.map((each) => JSON.stringify(each)).join(" | ");
  if ("const" in found) return JSON.stringify(found.const);
  const parts = found.anyOf && !found.type ? found.anyOf : null;
  if (parts) return [...new Set(parts.map((each) => said(whole, each)))].join(" | ");
  if (found.type === "array") return `list of (${said(whole, found.items || {})})`;
  const limits = [];
  if ("minimum" in found) limits.push(`from ${found.minimum}`);
  if ("maximum" in found) limits.push(`to ${found.maximum}`);
  if ("maxLength" in found) limits.push(`at most ${found.maxLength} characters`);
  const type = [].concat(found.type || "any").join(" | ");
  return [found.format || type, ...limits].join(" ");
}

function rows(whole, schema) {
  const found = resolved(whole, schema);
  const required = new Set(found.required || []);
  const table = make("table", {}, make("tr", {}, make("th", {}, "attribute"), make("th", {}, "value"), make("th", {}, "")));
  for (const [name, value] of Object.entries(found.properties || {})) {
    const note = required.has(name) ? "required" : resolved(whole, value).readOnly ? "read-only" : "";
    table.append(make("tr", {}, make("td", {}, make("code", {}, name)), make("td", {}, said(whole, value)), make("td", {}, note)));
  }
  return table;
}

// {"port": Port} or {"ports": [Port]} or either: the tables of what is inside.
function shape(whole, schema) {
  const found = resolved(whole, schema);
  if (found.oneOf) return shape(whole, found.oneOf[0]);
  const properties = Object.entries(found.properties || {});
  if (properties.length === 0) return make("p", {}, said(whole, found));
  const [name, value] = properties[0];
  const inner = resolved(whole, value);
  const items = inner.type === "array" ? resolved(whole, inner.items) : inner;
  if (!items.properties) return rows(whole, found);
  return make("div", {}, make("p", {}, make("code", {}, inner.type === "array" ? `{"${name}": [{…}]}` : `{"${name}": {…}}`)), rows(whole, items));
}

function content(part) {
  return Object.values((part && part.content) || {}).map((each) => each.schema)[0];
}

function body(whole, call) {
  const box = make("div");
  const parameters = call.parameters || [];
  if (parameters.length) {
    const table = make("table");
    for (const each of parameters) {
      table.append(make("tr", {}, make("td", {}, make("code", {}, each.name)), make("td", {}, each.in), make("td", {}, said(whole, each.schema)), make("td", {}, each.description || "")));
    }
    box.append(make("h3", {}, "Parameters"), table);
  }
  const asked = content(call.requestBody);
  if (asked) box.append(make("h3", {}, "Body"), shape(whole, asked));
  for (const [status, reference] of Object.entries(call.responses)) {
    const answer = resolved(whole, reference);
    if (status < "300") {
      box.append(make("h3", {}, `${status} ${answer.description}`));
      if (content(answer)) box.append(shape(whole, content(answer)));
    }
  }
  const refused = make("table");
  for (const [status, reference] of Object.entries(call.responses)) {
    if (status >= "300") refused.append(make("tr", {}, make("td", {}, status), make("td", {}, resolved(whole, reference).description)));
  }
  box.append(make("h3", {}, "Errors"), refused);
  return box;
}

function line(whole, path, method, call) {
  const node = make("details", { class: "call", id: call.operationId }, make("summary", {}, make("span", { class: `method ${method}` }, method.toUpperCase()), make("code", {}, path), make("span", {}, call.summary)));
  node.addEventListener("toggle", () => { if (node.open && node.children.length === 1) node.append(body(whole, call)); });
  return node;
}

function show(whole) {
  const groups = new Map();
  for (const [path, calls] of Object.entries(whole.paths)) {
    for (const method of METHODS) {
      if (!calls[method]) continue;
      const tag = calls[method].tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(line(whole, path, method, calls[method]));
    }
  }
  const about = document.getElementById("about");
  about.replaceChildren(`${whole.info.description} `, make("a", { href: "/openapi.json" }, `OpenAPI ${whole.openapi}`));
  for (const [tag, lines] of groups) {
    const section = make("section", { id: `group-${tag}` }, make("h2", {}, tag), ...lines);
    document.getElementById("calls").append(section);
    document.getElementById("groups").append(make("li", {}, make("a", { href: `#group-${tag}` }, tag)));
  }
  const wanted = location.hash && document.getElementById(location.hash.slice(1));
  if (wanted) { wanted.open = true; wanted.scrollIntoView(); }
}

function find(text) {
  for (const section of document.querySelectorAll("section")) {
    let any = false;
    for (const call of section.querySelectorAll("details.call")) {
      const hit = call.querySelector("summary").textContent.toLowerCase().includes(text.toLowerCase());
      call.hidden = !hit;
      any = any || hit;
    }
    section.hidden = !any;
  }
}

document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
fetch("/openapi.json").then((answer) => answer.json()).then(show).catch((error) => {
  document.getElementById("about").textContent = `The description cannot be shown: ${error}`;
});
