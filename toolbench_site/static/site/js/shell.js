// What every page with the shell needs: drawers on phones, and menus.
import { watchDrawers } from "./drawer.js";
import { watchMenus } from "./menu.js";

watchDrawers();
watchMenus();
