namespace Singa.Actors.Runtime;
public sealed class TrainedModel;
