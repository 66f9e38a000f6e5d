import { defineConfig } from "vite";

// The page is served by the Go program from dashboards/dist. While it is being
// worked on, `npm run dev` passes everything else on to a running server.
export default defineConfig({
  build: {
    outDir: "../dist",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 2048,
    reportCompressedSize: false,
  },
  server: { proxy: { "/v1": { target: "http://127.0.0.1:8080", ws: true } } },
});
