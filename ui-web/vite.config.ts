import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'
import { compress } from './build/compress.ts'
import { early, PAGE } from './build/early.ts'
import { saysHash } from './build/hash.ts'
import { serviceWorker } from './build/worker.ts'
import { devAgent } from './dev/plugin.ts'

export default defineConfig({
  plugins: [react(), devAgent(), early(), serviceWorker(), compress(), saysHash()],
  server: { port: 5199, strictPort: true, host: '127.0.0.1' },
  build: {
    target: ['chrome123', 'firefox128', 'safari17.5'],
    // Preloading by script is not worth its bytes where the browser does it.
    modulePreload: { polyfill: false },
    // The content security policy lets images be data, and nothing else.
    assetsInlineLimit: 0,
    rolldownOptions: {
      output: {
        codeSplitting: {
          // A start asks for two scripts, each with all that it needs: each wave of requests costs a
          // round trip, and each file its part of a browser's few connections.
          groups: [
            { name: 'start', test: /[\\/]src[\\/]main\.ts$/, priority: 2 },
            { name: PAGE, test: /[\\/]src[\\/]page\.tsx$/, priority: 1 },
          ],
        },
      },
    },
  },
})
