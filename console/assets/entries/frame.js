// The parts of Bootstrap Italia that the pages use; each finds its elements by their data-bs-* attributes.
// Not the whole bundle: its video player and font loader write style elements, which our policy refuses.
import "bootstrap-italia/dist/plugins/init.js";
import Alert from "bootstrap-italia/dist/plugins/alert.js";
import Collapse from "bootstrap-italia/dist/plugins/collapse.js";
import Dropdown from "bootstrap-italia/dist/plugins/dropdown.js";
import Modal from "bootstrap-italia/dist/plugins/modal.js";
import Offcanvas from "bootstrap-italia/dist/plugins/offcanvas.js";
import Tab from "bootstrap-italia/dist/plugins/tab.js";
import Tooltip from "bootstrap-italia/dist/plugins/tooltip.js";

// For the pages' own scripts; named here also because imports that nobody uses are dropped as free of effects.
globalThis.italia = { Alert, Collapse, Dropdown, Modal, Offcanvas, Tab, Tooltip };

// Beside the phone (console/templates/phone.html) pages stand without their own header: the phone's page has it.
if (window.top !== window.self) document.documentElement.classList.add("framed");
