namespace Singa.Actors.Graph.Plans;

/// <summary>What people want to know of an operation of a plan.</summary>
/// <param name="Layer">The layer it belongs to, forward and backward alike; empty for none.</param>
/// <param name="Op">What it does, without the layer.</param>
public sealed record OperationFacts(string Layer, string Op, Phase Phase, KernelCost Cost)
{
    // As Gradients marks the scope of what it derives.
    private const char Derived = '\'';
    private const string Copied = " copy";

    // As UpdateGraph names what it does to a parameter.
    private const string Updating = "update ";

    public static OperationFacts Of(Section section, Operation operation)
    {
        var (scope, op) = Parts(operation);
        var phase = PhaseOf(section.Name, operation.Kernel, IsDerived(scope));
        string layer = operation.Kernel is GroupKernel group ? group.Links.Select(l => LayerOf(Parts(l.Name).Scope)).Aggregate(Common) : LayerOf(scope);
        return new OperationFacts(layer, op, phase, KernelCost.Of(operation.Kernel));
    }

    private static string LayerOf(string scope) => scope.StartsWith(Updating, StringComparison.Ordinal) ? OwnerOf(scope[Updating.Length..]) : scope.TrimEnd(Derived);

    /// <summary>What two scopes or layers begin with, in whole names: the layer that holds both, where there is one.</summary>
    internal static string Common(string one, string other)
    {
        int length = 0;
        for (int i = 0; ; i++)
        {
            if (IsEnd(one, i) && IsEnd(other, i))
                length = i;
            if (i == one.Length || i == other.Length || one[i] != other[i])
                return one[..length];
        }

        static bool IsEnd(string name, int at) => at == name.Length || name[at] is '.' or ' ';
    }

    /// <summary>Whether what is done in a scope was derived from what a layer does.</summary>
    internal static bool IsDerived(string scope) => scope.EndsWith(Derived);

    /// <summary>Whether the same values are laid out in another way and nothing else.</summary>
    public bool IsCopy => Op.EndsWith(Copied, StringComparison.Ordinal);

    /// <summary>The layer that a parameter, a statistic or a state of theirs belongs to.</summary>
    public static string OwnerOf(string variable) => variable.LastIndexOf('.') is > 0 and var dot ? variable[..dot] : "";

    /// <summary>A name is the scope, a blank and the op, which has none.</summary>
    private static (string Scope, string Op) Parts(Operation operation)
    {
        return operation.Kernel is ExchangeKernel or UploadKernel or DownloadKernel ? ("", operation.Name) : Parts(operation.Name);
    }

    internal static (string Scope, string Op) Parts(string name)
    {
        string suffix = "";
        if (name.EndsWith(Copied, StringComparison.Ordinal))
            (name, suffix) = (name[..^Copied.Length], Copied);
        int blank = name.LastIndexOf(' ');
        return blank < 0 ? ("", name + suffix) : (name[..blank], name[(blank + 1)..] + suffix);
    }

    private static Phase PhaseOf(string section, Kernel kernel, bool backward) => (kernel, section.Split('/')[0]) switch
    {
        (ExchangeKernel, _) => Phase.Exchange,
        (UploadKernel or DownloadKernel, _) => Phase.Copy,
        (_, "gradients") => backward ? Phase.Backward : Phase.Forward,
        (_, "update") => Phase.Update,
        (_, "evaluate") => Phase.Evaluation,
        _ => Phase.Other,
    };
}
