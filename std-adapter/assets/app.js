// What scripts add to every page: nothing here is needed to use it.
"use strict";
document.documentElement.classList.add("scripted");
