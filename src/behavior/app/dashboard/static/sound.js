export function showSound() {}
