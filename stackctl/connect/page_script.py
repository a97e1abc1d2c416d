"""What the page at / does by itself. Without it all is there, and only longer."""

SCRIPT = """
const all = (what, within = document) => [...within.querySelectorAll(what)];
const root = document.documentElement;

// whoever reads this came by an address that works
root.dataset.by = location.protocol === "https:" ? "https" : "http";
for (const each of all(".origin")) each.textContent = location.origin;
const near = /^(localhost|127\\..*|\\[::1\\])$/.test(location.hostname);
for (const each of all(".in-the-clear")) each.hidden = near || root.dataset.by === "https";
for (const each of all(".only-script")) each.hidden = false;

const field = document.getElementById("key");
const stands = all(".key").map(each => [each, each.textContent]);
field.addEventListener("input", () => {
  const typed = field.value.trim();
  const good = /^[A-Za-z0-9_-]+$/.test(typed);
  field.setAttribute("aria-invalid", String(typed !== "" && !good));
  for (const [each, before] of stands) each.textContent = good ? typed : before;
});

async function copy(text) {
  // by plain HTTP browsers have no clipboard, but the old way
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("refused");
}

for (const button of all("button[data-copy]")) {
  const label = button.textContent;
  button.addEventListener("click", async () => {
    const from = button.parentElement.querySelector("code, pre");
    try {
      await copy(from.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(from);
      button.textContent = "Selected";
    }
    button.focus();
    setTimeout(() => { button.textContent = label; }, 1500);
  });
}

const tabs = all("[role=tab]");
function choose(tab) {
  for (const each of tabs) {
    const on = each === tab;
    each.setAttribute("aria-selected", String(on));
    each.tabIndex = on ? 0 : -1;
    document.getElementById(each.getAttribute("aria-controls")).hidden = !on;
  }
}
for (const [at, tab] of tabs.entries()) {
  tab.addEventListener("click", () => {
    choose(tab);
    history.replaceState(null, "", "#" + tab.dataset.name);
  });
  tab.addEventListener("keydown", event => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs[(at + step + tabs.length) % tabs.length];
    next.focus();
    next.click();
  });
}
const wanted = () => tabs.find(tab => "#" + tab.dataset.name === location.hash);
addEventListener("hashchange", () => { if (wanted()) choose(wanted()); });
if (tabs.length) choose(wanted() || tabs[0]);
for (const heading of all(".of-tab")) heading.hidden = true;
"""
