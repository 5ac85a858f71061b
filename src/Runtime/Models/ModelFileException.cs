namespace Singa.Actors.Runtime.Models;

/// <summary>A model file that cannot be read as one. The message is one sentence for people: which file, what, what to do.</summary>
public sealed class ModelFileException(string message, Exception? inner = null) : Exception(message, inner);
