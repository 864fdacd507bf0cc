import "../phone/try_it.ts";
