/** The Lightning wallet in an LNbits instance (`LNBITS_URL`, `LNBITS_API_KEY`, `LNBITS_ADMIN_KEY`). */
export { createLnbitsWallet, type LnbitsWalletOptions } from './wallet.ts';
