namespace Singa.Actors.Runtime.Regrouping;

/// <summary>A node in one life of its process. Restarted under the same name it is another node.</summary>
/// <param name="Name">What people call it.</param>
/// <param name="Incarnation">Drawn at random when the process starts.</param>
public readonly record struct NodeKey(string Name, long Incarnation) : IComparable<NodeKey>
{
    /// <summary>By name, then by life: an order that everybody computes alike.</summary>
    public int CompareTo(NodeKey other) =>
        string.CompareOrdinal(Name, other.Name) is var byName && byName != 0 ? byName : Incarnation.CompareTo(other.Incarnation);

    public bool Equals(NodeKey other) => Incarnation == other.Incarnation && Name == other.Name;

    /// <summary>Lives are drawn from so many numbers that they hardly ever meet.</summary>
    public override int GetHashCode() => Incarnation.GetHashCode();

    public override string ToString() => Name;
}
