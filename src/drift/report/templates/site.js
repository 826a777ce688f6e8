(function () {
"use strict";
var $ = function (id) { return document.getElementById(id); };
var all = function (selector, root) { return Array.prototype.slice.call((root || document).querySelectorAll(selector)); };
var make = function (tag, name, text) {
  var made = document.createElement(tag);
  if (name) made.className = name;
  if (text !== undefined) made.textContent = text;
  return made;
};
var counted = function (number, noun) { return number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s"); };

// How old the page is: the date is in the text, the age is the reader's clock's.
all("time.age").forEach(function (time) {
  var hours = (Date.now() - Date.parse(time.dateTime)) / 36e5;
  if (!(hours >= 0)) return;
  var said = hours < 1 ? counted(Math.floor(hours * 60), "minute") : hours < 48 ? counted(Math.floor(hours), "hour") : counted(Math.floor(hours / 24), "day");
  time.append(" · ", make("b", "", said + " ago"));
  if (hours >= 36) time.classList.add("old");
});

// Copy buttons.
all(".copy").forEach(function (button) {
  button.hidden = false;
  var line = button.parentNode.querySelector("code").textContent;
  button.setAttribute("aria-label", "Copy: " + line.split("\n")[0]);
  button.addEventListener("click", function () {
    var done = function (ok) {
      button.textContent = ok ? "Copied" : "Select and copy";
      setTimeout(function () { button.textContent = "Copy"; }, 2000);
    };
    var fallback = function () {
      var range = document.createRange(), selected = getSelection();
      range.selectNodeContents(button.parentNode.querySelector("code"));
      selected.removeAllRanges(); selected.addRange(range);
      done(document.execCommand("copy"));
    };
    if (navigator.clipboard) navigator.clipboard.writeText(line).then(function () { done(true); }, fallback);
    else fallback();
  });
});

// Filters: a text field and chips narrow the rows of one table body.
var narrowed = {};
function narrow(id) {
  var body = $(id), state = narrowed[id], shown = 0, rows = body.rows;
  for (var i = 0; i < rows.length; i++) {
    var text = rows[i].said || (rows[i].said = rows[i].textContent.toLowerCase());
    var fits = state.words.every(function (word) { return text.indexOf(word) >= 0; }) &&
      (!state.only || all(".badge", rows[i]).some(function (badge) { return badge.textContent === state.only; }));
    rows[i].hidden = !fits;
    shown += fits;
  }
  state.status.textContent = state.words.length || state.only ? shown.toLocaleString("en") + " of " + rows.length.toLocaleString("en") : "";
}
all("[data-filter]").forEach(function (input) {
  var id = input.dataset.filter, box = input.closest(".filter");
  narrowed[id] = { words: [], only: "", status: box.querySelector("[role=status]") };
  box.hidden = false;
  input.addEventListener("input", function () {
    narrowed[id].words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    narrow(id);
  });
});
all("[data-only]").forEach(function (chip) {
  chip.addEventListener("click", function () {
    var pressed = chip.getAttribute("aria-pressed") !== "true";
    all("[data-only=" + chip.dataset.only + "]").forEach(function (other) { other.setAttribute("aria-pressed", "false"); });
    chip.setAttribute("aria-pressed", String(pressed));
    narrowed[chip.dataset.only].only = pressed ? chip.dataset.word : "";
    narrow(chip.dataset.only);
  });
});

// Tables that sort: a cell by its rank where it has one, numbers as numbers, the rest as people do;
// the third time as it was.
all("table.sortable").forEach(function (table) {
  var heads = all("thead th", table), body = table.tBodies[0], original = all("tr", body);
  heads.forEach(function (head, column) {
    if (head.hasAttribute("data-unsorted")) return;
    var button = make("button", "", head.textContent);
    button.type = "button";
    head.textContent = "";
    head.append(button);
    button.addEventListener("click", function () {
      var was = head.getAttribute("aria-sort");
      heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
      var next = was === "ascending" ? "descending" : was === "descending" ? "" : "ascending";
      if (next) head.setAttribute("aria-sort", next);
      var order = new Intl.Collator("en", { numeric: true, sensitivity: "base" }).compare;
      var rows = original.map(function (row) { var cell = row.cells[column]; return [cell.dataset.rank || cell.textContent.trim(), row]; });
      if (next) rows.sort(function (a, b) { return next === "ascending" ? order(a[0], b[0]) : order(b[0], a[0]); });
      var piece = document.createDocumentFragment();
      rows.forEach(function (row) { piece.append(row[1]); });
      body.append(piece);
    });
  });
});

// Strips: letters become cells where the page has only the letters; a click leads to its night.
var kinds = { I: "identical", E: "equivalent", D: "drifted", d: "seen", B: "broken", U: "unknown", F: "first" };
function colour(strip) {
  var letters = strip.textContent, piece = document.createDocumentFragment();
  for (var i = 0; i < letters.length; i++) piece.append(make("i", "n" + (kinds[letters[i]] || "none"), letters[i]));
  strip.classList.remove("letters");
  strip.textContent = "";
  strip.append(piece);
}
var until = document.body.dataset.until;
function night(cell) {
  var cells = cell.parentNode.children, back = cells.length - 1 - Array.prototype.indexOf.call(cells, cell);
  var day = new Date(until + "T00:00:00Z");
  day.setUTCDate(day.getUTCDate() - back);
  return day.toISOString().slice(0, 10);
}
if (until) {
  var strips = all(".strip.letters");
  if (window.IntersectionObserver && strips.length) {
    var seen = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) { if (entry.isIntersecting) { colour(entry.target); seen.unobserve(entry.target); } });
    }, { rootMargin: "300px" });
    strips.forEach(function (strip) { seen.observe(strip); });
  }
  document.addEventListener("mouseover", function (event) {
    if (event.target.tagName === "I" && event.target.parentNode.className === "strip" && !event.target.title) event.target.title = night(event.target);
  });
  document.addEventListener("click", function (event) {
    if (event.target.tagName === "I" && event.target.parentNode.className === "strip") event.target.parentNode.hash = night(event.target);
  });
}

// Paths: a tree that folds, a search over all of them, links to one.
var paths = $("paths"), rows = null, pending = null, loaded = 0;
var scripts = paths && paths.dataset.scripts ? paths.dataset.scripts.split(" ") : [];
function listed() {
  if (!rows) rows = all("#path-tree .f").map(function (item) {
    var link = item.querySelector("a");
    return [item.dataset.p, item.querySelector(".change").textContent, link ? link.textContent : "", item.querySelector(".fields").textContent];
  });
  return rows;
}
window.driftPaths = function (more) { rows = listed().concat(more); loaded++; };
function load(then) {
  if (loaded >= scripts.length) return then();
  if (pending) return pending.push(then);
  pending = [then];
  var left = scripts.length;
  scripts.forEach(function (name) {
    var script = make("script");
    script.src = name;
    script.onload = script.onerror = function () {
      if (--left) return;
      var waiting = pending;
      pending = null;
      waiting.forEach(function (waiter) { waiter(); });
    };
    document.head.append(script);
  });
}
function row(found) {
  var names = { A: "added", R: "removed", M: "modified", T: "metadata_only" }, item = make("li", "f");
  item.append(make("b", "change change-" + names[found[1]], found[1]), " ", make("code", "", found[0]), " ", make("span", "fields", found[3]));
  if (found[2]) { var link = make("a", "", found[2]); link.href = "#cause-" + encodeURIComponent(found[2]); item.append(" ", link); }
  return item;
}
var LIMIT = 300;
function search(text) {
  var words = text.toLowerCase().split(/\s+/).filter(Boolean), status = $("path-status"), found = $("path-found"), shown = $("path-tree");
  if (shown) shown.hidden = !!words.length;
  found.hidden = !words.length;
  found.textContent = "";
  status.textContent = "";
  if (!words.length) return;
  if (loaded < scripts.length) { status.textContent = "loading the other paths…"; return load(function () { search($("path-search").value); }); }
  var count = 0, piece = document.createDocumentFragment();
  listed().forEach(function (candidate) {
    var said = (candidate[0] + " " + (candidate[2] || "")).toLowerCase();
    if (words.every(function (word) { return said.indexOf(word) >= 0; }) && count++ < LIMIT) piece.append(row(candidate));
  });
  found.append(piece);
  status.textContent = counted(count, "path") + (count > LIMIT ? ", the first " + LIMIT + " shown" : "") + (loaded < scripts.length ? "; some data files are missing" : "");
}
if ($("path-search")) {
  $("path-search").closest(".filter").hidden = false;
  var timer;
  $("path-search").addEventListener("input", function () {
    clearTimeout(timer);
    var value = this.value;
    timer = setTimeout(function () { search(value); }, 120);
  });
  all("[data-fold]").forEach(function (button) {
    button.addEventListener("click", function () {
      all("#path-tree details").forEach(function (fold) { if (!fold.closest(".f")) fold.open = button.dataset.fold === "open"; });
    });
  });
}

// Links to a cause, a line or a path: what is folded opens; a path that is not here is said so.
function unfold(target) {
  for (var at = target; at; at = at.parentElement) {
    if (at.tagName === "DETAILS") at.open = true;
    // Laid out before it is scrolled to: else it grows, and the target moves, meanwhile.
    if (at.classList.contains("scroll")) at.style.contentVisibility = "visible";
  }
}
function quoted(word) { return /^[\w@%+=:,./-]+$/.test(word) ? word : "'" + word.replace(/'/g, "'\"'\"'") + "'"; }
function show() {
  var hash = location.hash.slice(1), missing = $("not-here");
  if (missing) missing.hidden = true;
  all(".here").forEach(function (old) { old.classList.remove("here"); });
  if (!hash) return;
  if (hash.indexOf("path=") !== 0) {
    var target = $(decode(hash));
    if (target) { unfold(target); target.scrollIntoView({ block: "start", behavior: "instant" }); }
    return;
  }
  if (!paths) return;
  var path = decode(hash.slice(5)), item = all("#path-tree .f").find(function (candidate) { return candidate.dataset.p === path; });
  if (item) {
    unfold(item.parentElement);
    item.classList.add("here");
    return item.scrollIntoView({ block: "center" });
  }
  missing.textContent = "This page does not hold " + path + ". ";
  if (+paths.dataset.more) missing.append("A search finds it if it changed; ");
  if (paths.dataset.image) missing.append("this command tells all that is known: ", make("code", "", "drift explain " + quoted(paths.dataset.image) + " " + quoted(path)));
  missing.hidden = false;
  missing.scrollIntoView({ block: "center" });
}
function decode(text) { try { return decodeURIComponent(text); } catch (error) { return text; } }
addEventListener("hashchange", show);
show();

// "/" goes to the first search field, Escape empties it.
document.addEventListener("keydown", function (event) {
  var field = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
  if (event.key === "/" && !field && !event.ctrlKey && !event.metaKey && !event.altKey) {
    var input = $("path-search") || document.querySelector("[data-filter]");
    if (input) { event.preventDefault(); input.focus(); }
  }
  if (event.key === "Escape" && field) { event.target.value = ""; event.target.dispatchEvent(new Event("input")); }
});
addEventListener("beforeprint", function () { all("details").forEach(function (fold) { if (!fold.open && !fold.closest("#path-tree")) { fold.open = true; fold.dataset.printed = ""; } }); });
addEventListener("afterprint", function () { all("[data-printed]").forEach(function (fold) { fold.open = false; delete fold.dataset.printed; }); });
})();
