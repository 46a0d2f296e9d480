/**
 * The condition of a client that may be deleted when it was not used for long: it registered itself, or it has a metadata
 * document and the operator neither approved nor disabled it. The first part is in the words of the index of such clients.
 */
export const forgettable = "origin <> 'Operator' and (origin = 'Dynamic' or (approval is null and state = 'Enabled'))"
