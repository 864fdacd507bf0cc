import "../phone/page.ts";
