// theme.js - light or dark: what was chosen here, else the system's. Runs before anything is drawn.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.theme =
      localStorage.getItem("grud.theme") ?? (system.matches ? "dark" : "light");
    dispatchEvent(new Event("themechange"));
  };
  system.addEventListener("change", apply);
  addEventListener("storage", apply);
  apply();
})();
