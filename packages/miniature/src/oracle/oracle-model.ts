/** The model name under which the oracle answers. */
export const oracleModel = 'cem-miniature-oracle'
